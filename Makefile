# The project's commands; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

COLLECTION := .ansible/collections/ansible_collections/hx/gateway
TESTHOST := molecule/shared/bin/testhost
LOCAL_HOST := hx-gateway-local
LOCAL_RELEASE ?= bookworm
STATE := $(or $(XDG_STATE_HOME),$(HOME)/.local/state)/hx-gateway/local
LOCKS := roles/litellm/files/requirements.lock roles/proxy/files/requirements.lock roles/proxy/files/requirements-otlp.lock

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

deps: debian $(VENV)/.complete $(COLLECTION) ## Install what the project needs on this machine: packages, .venv, the collection link

debian:
	@requirements/install-debian

$(VENV)/.complete: requirements/controller.txt
	@requirements/install-venv $(PYTHON) $(VENV) requirements/controller.txt

$(COLLECTION):
	@mkdir -p $(dir $@) && ln -sfn ../../../.. $@

host: deps ## Start the local test host, with the stand-in provider on it
	@python molecule/shared/wheelhouse.py $(LOCAL_RELEASE) $(LOCKS)
	@$(TESTHOST) up $(LOCAL_HOST) --release $(LOCAL_RELEASE) >/dev/null
	@$(TESTHOST) inventory $(LOCAL_HOST) --output inventories/local/testhosts.yml
	@echo "Installing the stand-in provider on $(LOCAL_HOST)"
	@ansible-playbook -i inventories/local molecule/shared/provider.yml

site: host ## Deploy the whole stack on a local test host, and say how to call it
	@echo "Deploying the stack on $(LOCAL_HOST)"
	@ansible-playbook -i inventories/local playbooks/site.yml
	@ansible-playbook -i inventories/local molecule/shared/local_summary.yml >/dev/null
	@cat $(STATE)/summary

destroy: ## Remove the local test host and everything on it; its secrets stay
	@$(TESTHOST) destroy $(LOCAL_HOST)
	@rm -f inventories/local/testhosts.yml

test: deps ## Run every check and end with the totals
	@tests/run

lint: deps ## Run the linters and type checkers
	@tests/run yamllint ruff mypy mypy-harness mypy-proxy ansible-lint

unit: deps ## Run the tests that need no test host
	@tests/run unit prisma-wasm harness proxy

sanity: deps ## Run ansible-test's sanity and unit tests and Galaxy's import checks
	@tests/run sanity units docs importer

molecule: deps ## Run every Molecule scenario
	@tests/run --kind scenario

long: deps ## Run the scenarios that are not part of test; FULL=1 breaks releases in every way and changes secrets 20 times
	@tests/run --table tests/long_checks.toml

build: deps ## Build the collection's tarball into dist/, with the gateway's wheel in it
	@echo "Building the gateway's wheel and the collection's tarball"
	@rm -f roles/proxy/files/hx_gateway-*.whl && mkdir -p dist
	@SOURCE_DATE_EPOCH=1577836800 python -m flit_core.wheel --outdir roles/proxy/files proxy_src >/dev/null
	@ansible-galaxy collection build --force --output-path dist

bench-site: deps ## Measure the first and the second run of site.yml against the bare cost of what they do
	@python benchmarks/site/bench.py

soak: deps ## Compare with uvicorn over 100,000 requests that are nearly right; 2,000 slow clients beside a good one
	@cd proxy_src && HX_DIFFERENTIAL=100000 HX_SLOW_CLIENTS=2000 pytest tests/differential tests/hostile/test_slow_clients.py

FUZZ_SECONDS ?= 60
fuzz: deps .venv-fuzz/.complete ## Fuzz what decides on targets and headers, for FUZZ_SECONDS
	@cd proxy_src && PYTHONPATH=src ../.venv-fuzz/bin/python fuzz/target_and_headers.py \
		-max_total_time=$(FUZZ_SECONDS) -print_final_stats=1

.venv-fuzz/.complete: requirements/fuzz.txt
	@requirements/install-venv $(PYTHON) .venv-fuzz requirements/fuzz.txt

bench-resources: deps ## Time 200 models and 500 keys that need no change, on the local host's LiteLLM (LITELLM_API_BASE, LITELLM_API_KEY)
	@python benchmarks/resources/bench.py $(BENCH)

bench: deps ## Measure the gateway against nginx and a naive proxy; BENCH='--rounds 9' passes options on
	@requirements/install-debian bench.txt
	@cd proxy_src && PYTHONPATH=src:tests python -m benchmarks $(BENCH)

lock: deps ## Resolve every requirements file into its lock again
	@requirements/lock

clean: destroy ## Remove what the project keeps on this machine, but not the local secrets
	@$(TESTHOST) clean
	@rm -rf $(VENV) .venv-fuzz .ansible dist tests/output

.PHONY: help deps debian host site destroy test long lint unit sanity molecule build bench bench-resources bench-site soak fuzz lock clean
