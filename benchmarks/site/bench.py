"""Time site.yml on a fresh host against the bare cost of what it installs and starts.

bench.py [ROUNDS]   default 1; each round takes a fresh host for each contender, in turns; prints medians

Bare cost: benchmarks/site/bare.sh. Both download their wheels; apt archives and Node modules were downloaded before,
for both. The limits are the project's promises: first run at most 1.5 times the bare cost, second run at most 40 s.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "molecule" / "default"
TESTHOST = ROOT / "molecule" / "shared" / "bin" / "testhost"
SSH_CONFIG = ROOT / ".cache" / "testhost" / "ssh_config"
BARE, SITE = "hx-gateway-bench-bare", "hx-gateway-bench-site"
FOLDER = "/opt/bench"
PACKAGES = "ca-certificates iproute2 nodejs openssl postgresql python3-psycopg2 python3-venv redis-server redis-tools"
# Downloads count: both ask the package index for every wheel, instead of taking what earlier runs kept.
DOWNLOAD = {
    f"{role}_pip_{key}": value
    for role in ("litellm", "proxy")
    for key, value in (("find_links", ""), ("no_index", False))
}
FIRST_RUN_LIMIT, SECOND_RUN_LIMIT = 1.5, 40.0


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed; its errors stay visible."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, cwd=ROOT, env=env).stdout


def fresh(name: str) -> str:
    """Start an empty host of that name and return its address."""
    run(TESTHOST, "destroy", name)
    return str(json.loads(run(TESTHOST, "up", name, "--release", "bookworm"))["address"])


def pack(folder: Path) -> None:
    """Collect what bare.sh installs, as the roles would ship it."""
    for name in ("litellm", "gateway"):
        (folder / name).mkdir(parents=True)
    files = ROOT / "roles" / "litellm" / "files"
    shutil.copy(files / "requirements.lock", folder / "litellm")
    shutil.copy(files / "launch.py", folder / "litellm")
    shutil.copytree(files / "prisma_wasm", folder / "litellm" / "prisma", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "roles" / "proxy" / "files" / "requirements.lock", folder / "gateway")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
    run(sys.executable, "-m", "flit_core.wheel", "--outdir", folder, "proxy_src", env=environment)
    arguments = {"lock": str(files / "prisma_wasm" / "package-lock.json"), "dest": str(folder / "node-modules.tar.gz")}
    arguments["cache_dir"] = str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hx-gateway" / "npm"
    )
    ansible = Path(sys.executable).parent / "ansible"
    run(ansible, "localhost", "-m", "hx.gateway.npm_bundle", "-a", json.dumps(arguments))
    (folder / "packages").write_text(PACKAGES)
    (folder / "config.yaml").write_text(
        "model_list: []\ngeneral_settings: {master_key: os.environ/LITELLM_MASTER_KEY}\n"
    )
    shutil.copy(Path(__file__).with_name("bare.sh"), folder)


def bare() -> float:
    """Seconds of the bare installation on a fresh host."""
    fresh(BARE)
    ssh = ["ssh", "-F", str(SSH_CONFIG), BARE]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bench"
        pack(folder)
        archive = subprocess.run(["tar", "-cC", folder, "."], check=True, capture_output=True).stdout
    subprocess.run([*ssh, f"mkdir -p {FOLDER} && tar -xC {FOLDER}"], input=archive, check=True)
    begin = time.monotonic()
    parts = run(*ssh, f"sh {FOLDER}/bare.sh {FOLDER}")
    seconds = time.monotonic() - begin
    for line in parts.splitlines():
        milliseconds, part = line.split()
        print(f"    {int(milliseconds) / 1000:7.1f} s  {part}", flush=True)
    return seconds


def site() -> tuple[float, float]:
    """Seconds of the first and of the second run of site.yml on a fresh host."""
    fresh(SITE)
    # As deep below the checkout as a scenario's inventory is, which finds its secrets from there.
    inventory = ROOT / ".cache" / "bench" / "inventory"
    shutil.rmtree(inventory, ignore_errors=True)
    shutil.copytree(SCENARIO / "inventory", inventory, ignore=shutil.ignore_patterns("testhosts.yml"))
    hosts = inventory / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("hx-gateway-default", SITE))
    run(TESTHOST, "inventory", SITE, "--output", inventory / "testhosts.yml")
    times = []
    for _ in range(2):
        begin = time.monotonic()
        run(
            Path(sys.executable).parent / "ansible-playbook",
            "-i",
            inventory,
            "-e",
            json.dumps(DOWNLOAD),
            "playbooks/site.yml",
        )
        times.append(time.monotonic() - begin)
    return times[0], times[1]


def main() -> None:
    """Run the rounds and print the figures beside the promises."""
    bares, firsts, seconds = [], [], []
    for number in range(1, int(sys.argv[1]) + 1 if len(sys.argv) > 1 else 2):
        print(f"Round {number}: the bare cost, then site.yml", flush=True)
        bares.append(bare())
        first, second = site()
        firsts.append(first)
        seconds.append(second)
        print(f"  bare {bares[-1]:.1f} s, first run {first:.1f} s, second run {second:.1f} s", flush=True)
    for name in (BARE, SITE):
        run(TESTHOST, "destroy", name)
    ratio = statistics.median(first / cost for first, cost in zip(firsts, bares, strict=True))
    print(f"bare cost   {statistics.median(bares):7.1f} s")
    print(f"first run   {statistics.median(firsts):7.1f} s, {ratio:.2f} of the bare cost (at most {FIRST_RUN_LIMIT})")
    print(f"second run  {statistics.median(seconds):7.1f} s (at most {SECOND_RUN_LIMIT:.0f} s)")
    sys.exit(ratio > FIRST_RUN_LIMIT or statistics.median(seconds) > SECOND_RUN_LIMIT)


if __name__ == "__main__":
    main()
