"""Measure site.yml on one fresh test host against the bare cost of what it does, on another.

The bare cost is what no tool can avoid: the same Debian packages from apt, the same wheels by pip, and the start of the
same services. Limits are those the project promises; the exit status says whether they hold.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SSH_CONFIG = ROOT / ".cache/testhost/ssh_config"
TESTHOST = ROOT / "molecule/shared/bin/testhost"
RELEASE = "bookworm"
SITE, BARE = "hx-gateway-bench-site", "hx-gateway-bench-bare"
GROUPS = ("database", "cache", "gateway")
LOCKS = ("litellm", "proxy")
SERVICES = ("postgresql", "redis-server", "hx-litellm-gateway", "hx-gateway-ml")
FIRST_RUN_FACTOR = 1.5
SECOND_RUN_SECONDS = 40.0
WAIT_UNTIL_READY = (
    "import time, urllib.request as u\n"
    "end = time.monotonic() + 180\n"
    "while time.monotonic() < end:\n"
    "    try:\n"
    "        u.urlopen('http://127.0.0.1:4010/readyz', timeout=5); break\n"
    "    except OSError:\n"
    "        time.sleep(0.2)\n"
    "else:\n"
    "    raise SystemExit('not ready after 180 s')\n"
)


def run(words: list[str], **options: object) -> str:
    """Run a command and return what it prints; stop everything where it fails."""
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if result.returncode != 0:
        sys.exit(f"{shlex.join(words)} failed:\n{(result.stdout + result.stderr)[-3000:]}")
    return str(result.stdout)


def on(host: str, command: str) -> str:
    """Run a shell command on a test host."""
    return run(["ssh", "-F", str(SSH_CONFIG), host, command])


def timed(what: str, words: list[str]) -> float:
    """Run a command, print how long it took, and return that."""
    begun = time.monotonic()
    run(words)
    spent = time.monotonic() - begun
    print(f"  {what:42} {spent:7.1f} s", flush=True)
    return spent


def timed_on(host: str, what: str, command: str) -> float:
    """Run a shell command on a test host, timed."""
    return timed(what, ["ssh", "-F", str(SSH_CONFIG), host, command])


@contextmanager
def fresh(host: str) -> Iterator[None]:
    """Start a test host and remove it afterwards."""
    run([str(TESTHOST), "destroy", host])
    run([str(TESTHOST), "up", host, "--release", RELEASE])
    try:
        yield
    finally:
        run([str(TESTHOST), "destroy", host])


@contextmanager
def inventory(host: str) -> Iterator[Path]:
    """Make an inventory like the local one, for another host and with secrets of its own."""
    with tempfile.TemporaryDirectory(prefix="hx-gateway-bench-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "hosts.json").write_text(json.dumps({group: {"hosts": {host: None}} for group in GROUPS}))
        (folder / "group_vars").symlink_to(ROOT / "inventories/local/group_vars")
        run([str(TESTHOST), "inventory", host, "--output", str(folder / "testhosts.json")])
        yield folder


def installed(host: str) -> set[str]:
    """Return the names of the packages a host has."""
    return set(on(host, "dpkg-query -W -f '${Package}\\n'").split())


def seconds_of_migration(host: str) -> float:
    """Return how long the migration ran, from systemd's clock."""
    names = ("ExecMainStartTimestampMonotonic", "ExecMainExitTimestampMonotonic")
    shown = on(host, f"systemctl show hx-litellm-migrate.service {' '.join(f'-p {name}' for name in names)}")
    values = dict(line.split("=", 1) for line in shown.splitlines())
    return (int(values[names[1]]) - int(values[names[0]])) / 1e6


def deploy(folder: Path, host: str) -> tuple[float, float, set[str], float]:
    """Deploy twice; return both times, the packages that were added, and what the services' starts cost."""
    playbook = ["ansible-playbook", "-i", str(folder)]
    run([*playbook, "molecule/shared/provider.yml"])
    before = installed(host)
    print("site.yml on a fresh host:", flush=True)
    first = timed("first run", [*playbook, "playbooks/site.yml"])
    begun = time.monotonic()
    recap = run([*playbook, "playbooks/site.yml"])
    second = time.monotonic() - begun
    changes = sum(int(number) for number in re.findall(r"changed=(\d+)", recap))
    print(f"  {f'second run (changed={changes})':42} {second:7.1f} s", flush=True)
    if changes:
        sys.exit("The second run changed something.")
    added = installed(host) - before
    print("The bare cost of the same:", flush=True)
    migration = seconds_of_migration(host)
    print(f"  {'database migration':42} {migration:7.1f} s", flush=True)
    program = f"systemctl restart {' '.join(SERVICES)} && python3 -c {shlex.quote(WAIT_UNTIL_READY)}"
    return first, second, added, migration + timed_on(host, "start of the services until ready", program)


def bare(host: str, packages: set[str]) -> float:
    """Return what the packages and wheels cost on a fresh host without Ansible."""
    apt = f"apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install {' '.join(sorted(packages))}"
    total = timed_on(host, f"apt: {len(packages)} packages", f"{apt} >/dev/null 2>&1")
    for name in LOCKS:
        run(["scp", "-q", "-F", str(SSH_CONFIG), f"roles/{name}/files/requirements.lock", f"{host}:/root/{name}.lock"])
        pip = "pip install -q --no-deps --require-hashes --find-links /var/cache/hx-gateway/wheels"
        venv = f"python3 -m venv /opt/{name} && /opt/{name}/bin/{pip} -r /root/{name}.lock"
        total += timed_on(host, f"pip: the wheels of {name}", venv)
    return total


def main() -> int:
    """Measure, print, judge."""
    locks = [f"roles/{name}/files/requirements.lock" for name in LOCKS]
    run([sys.executable, "molecule/shared/wheelhouse.py", RELEASE, *locks])
    with fresh(SITE), inventory(SITE) as folder:
        first, second, packages, starts = deploy(folder, SITE)
    with fresh(BARE):
        unavoidable = bare(BARE, packages) + starts
    factor = first / unavoidable
    print(f"First run {first:.1f} s, bare cost {unavoidable:.1f} s: {factor:.2f} times (limit {FIRST_RUN_FACTOR})")
    print(f"Second run {second:.1f} s (limit {SECOND_RUN_SECONDS:.0f} s)")
    return 0 if factor <= FIRST_RUN_FACTOR and second <= SECOND_RUN_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
