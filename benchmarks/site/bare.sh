#!/bin/sh
# The bare cost of the stack on a fresh host: downloads, package installs and service starts, one after another, without
# Ansible, checks, users, sandboxes or access rules. Usage: bare.sh FOLDER, which bench.py has filled.
set -eu
folder=$1
export DEBIAN_FRONTEND=noninteractive PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 CHECKPOINT_DISABLE=1
export DATABASE_URL=postgresql://hx_gateway:bench@127.0.0.1:5432/hx_gateway REDIS_URL=redis://127.0.0.1:6379/0
export LITELLM_MASTER_KEY=sk-bench-of-the-site LITELLM_SALT_KEY=bench-of-the-site-salt LITELLM_LOCAL_MODEL_COST_MAP=True

step() {
    begin=$(date +%s%N)
    "$@" >"$folder/log" 2>&1 || { tail -n 40 "$folder/log"; exit 1; }
    echo "$(( ($(date +%s%N) - begin) / 1000000 )) $1"
}

packages() {
    apt-get update
    # shellcheck disable=SC2046 # one word a package
    apt-get install --yes --no-install-recommends $(cat "$folder/packages")
}

virtual_environments() {
    for name in litellm gateway; do
        python3 -m venv "$folder/$name/venv"
        pip="$folder/$name/venv/bin/python -m pip install --quiet --no-compile --no-deps"
        $pip --require-hashes --requirement "$folder/$name/requirements.lock"
        [ "$name" = litellm ] || $pip --no-index "$folder"/hx_gateway-*.whl
        "$folder/$name/venv/bin/python" -m compileall -q -j 0 "$folder/$name/venv/lib" || true
    done
}

prisma() {
    tar -xzf "$folder/node-modules.tar.gz" -C "$folder/litellm/prisma"
    "$folder/litellm/venv/bin/python" "$folder/litellm/launch.py" generate
    "$folder/litellm/venv/bin/python" -m compileall -q "$folder"/litellm/venv/lib/python3*/site-packages/prisma || true
}

data_services() {
    systemctl start postgresql redis-server
    runuser -u postgres -- psql -c "CREATE ROLE hx_gateway LOGIN PASSWORD 'bench'" -c "CREATE DATABASE hx_gateway OWNER hx_gateway"
}

migration() {
    DISABLE_SCHEMA_UPDATE=false "$folder/litellm/venv/bin/python" -I "$folder/litellm/launch.py" migrate --config "$folder/config.yaml"
}

answers() {
    python3 - "$1" <<'PROGRAM'
import sys, time, urllib.request
while True:
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5)
        break
    except OSError:
        time.sleep(0.1)
PROGRAM
}

litellm() {
    systemd-run --collect --unit=hx-bench-litellm --setenv=HOME=/root --setenv=DATABASE_URL --setenv=REDIS_URL --setenv=LITELLM_MASTER_KEY \
        --setenv=LITELLM_SALT_KEY --setenv=LITELLM_LOCAL_MODEL_COST_MAP --setenv=DISABLE_SCHEMA_UPDATE=true \
        "$folder/litellm/venv/bin/python" -I "$folder/litellm/launch.py" serve --config "$folder/config.yaml" --host 127.0.0.1 --port 4000
    answers http://127.0.0.1:4000/health/readiness
}

gateway() {
    systemd-run --collect --unit=hx-bench-gateway "$folder/gateway/venv/bin/hx-gateway" --upstream http://127.0.0.1:4000
    answers http://127.0.0.1:4010/readyz
}

for part in packages virtual_environments prisma data_services migration litellm gateway; do step "$part"; done
