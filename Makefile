# The project's commands; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
COLLECTION := .ansible/collections/ansible_collections/hx/gateway

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

deps: debian $(VENV)/.complete $(COLLECTION) ## Install what the project needs on this machine: packages, .venv, the collection link

debian:
	@requirements/install-debian

$(VENV)/.complete: requirements/controller.txt
	@requirements/install-venv $(PYTHON) $(VENV)

$(COLLECTION):
	@mkdir -p $(dir $@) && ln -sfn ../../../.. $@

lock: deps ## Resolve every requirements file into its lock again
	@requirements/lock

.PHONY: help deps debian lock
