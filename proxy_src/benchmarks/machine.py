"""The machine the figures belong to."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks import nginx
from benchmarks.processes import CONTENDER_CORE, LOAD_CORE


def describe() -> dict[str, str]:
    """Return what runs here, in words."""
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1048576
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    found = {
        "processor": f"{cpu[0] if cpu else platform.machine()}, {os.cpu_count()} cores, {memory} GiB",
        "system": f"{system}, Linux {platform.release()}",
        "python": f"{platform.python_version()}, aiohttp {version('aiohttp')}, uvloop {version('uvloop')}",
        "cores": f"contender on {CONTENDER_CORE}, load and upstream on {LOAD_CORE}",
        "load average": " ".join(f"{part:.2f}" for part in os.getloadavg()),
    }
    program = nginx.path()
    if program is not None:
        said = subprocess.run([program, "-v"], check=True, capture_output=True, text=True).stderr
        found["nginx"] = said.rpartition("/")[2].strip()
    return found
