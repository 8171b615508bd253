# Shared by the checks of this folder: where things are, and a copy of the collection that ansible-test accepts.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=${HX_VENV:-$root/.venv}
cache=$root/.cache/ansible-test
work=$(mktemp -d "${TMPDIR:-/tmp}/hx-gateway-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Only the venv's and the system's programs: a version manager's stand-ins for Pythons that are not there end ansible-test.
PATH=$venv/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C.UTF-8
export PATH LC_ALL
python=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# ansible-test wants the collection in a real folder .../ansible_collections/hx/gateway. Copied is what git knows, or would
# know, of what the tarball carries and of its tests. The programs beside the collection (proxy_src, molecule, ...) have checks
# of their own (ruff, mypy --strict, pytest); Ansible's rules for plugins, such as "_" being no name, are not meant for them.
contents="galaxy.yml README.md LICENSE CHANGELOG.rst changelogs docs meta playbooks plugins roles
    tests/config.yml tests/conftest.py tests/modules tests/sanity tests/support tests/unit"

copy_collection() {
    collection=$work/ansible_collections/hx/gateway
    mkdir -p "$collection"
    (cd "$root" && git ls-files -z --cached --others --exclude-standard -- $contents |
        while IFS= read -r -d "" name; do if [ -e "$name" ]; then printf "%s\0" "$name"; fi; done |
        tar --create --null --files-from=- --file=-) | tar --extract --file=- --directory="$collection"
    cd "$collection"
}

# ansible-test makes a venv for each sanity test and fetches get-pip.py from the internet for the first step. A file in its
# cache is taken instead; this one does the same with the pip that Python carries, and needs only the package index.
prepare_ansible_test() {
    HOME=$cache
    export HOME
    mkdir -p "$HOME/.ansible/test/cache"
    bootstrap=$(python -c 'from ansible_test._internal.python_requirements import get_venv_packages
from ansible_test._internal.host_configs import NativePythonConfig
print(get_venv_packages(NativePythonConfig(version="'"$python"'"))["pip"].replace(".", "_"))')
    cp "$root/tests/sanity/get_pip.py" "$HOME/.ansible/test/cache/get_pip_$bootstrap.py"
}
