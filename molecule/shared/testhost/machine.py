"""What this machine is like, found by looking: cgroup layout, runtime, resource limits."""

from __future__ import annotations

import functools
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from testhost.shell import HarnessError, output

UNLIMITED = 1048576
# What systemd and the services under test ask for at most; below it, units must be held back.
COMFORTABLE_FILES = 524288


@dataclass(frozen=True)
class Machine:
    """The properties of a machine that decide how a container is started on it."""

    cgroup: str
    runtime: str
    files: int
    processes: int

    @property
    def few_files(self) -> bool:
        """Whether a unit's LimitNOFILE may exceed what this machine allows."""
        return self.files < COMFORTABLE_FILES


def cgroup_layout(mountinfo: str) -> str:
    """Name the cgroup layout (v1, v2 or hybrid) that a /proc/self/mountinfo shows."""
    kinds = set()
    for line in mountinfo.splitlines():
        _, _, after = line.partition(" - ")
        kinds.add(after.split(" ", 1)[0])
    if "cgroup" not in kinds:
        return "v2"
    return "hybrid" if "cgroup2" in kinds else "v1"


def choose_runtime(layout: str, installed: set[str]) -> str:
    """Choose the OCI runtime: crun where the layout lets it, else runc."""
    wanted = ["crun", "runc"] if layout == "v2" else ["runc"]
    for name in wanted:
        if name in installed:
            return name
    raise HarnessError(
        f"This machine's cgroup layout is {layout}; it needs {' or '.join(wanted)}, which is not installed "
        "(`make deps` installs runc)."
    )


def _hard_limits() -> tuple[int, int]:
    """Return root's hard limits for open files and processes, as the engine will meet them."""
    program = (
        "import json, resource as r;print(json.dumps([r.getrlimit(x)[1] for x in (r.RLIMIT_NOFILE, r.RLIMIT_NPROC)]))"
    )
    files, processes = json.loads(output([sys.executable, "-c", program], as_root=True))
    # Podman lowers its own process limit to pid_max, and a container cannot go above its parent's.
    pid_max = int(Path("/proc/sys/kernel/pid_max").read_text())
    files, processes = (UNLIMITED if value < 0 else min(value, UNLIMITED) for value in (files, processes))
    return files, min(processes, pid_max)


@functools.cache
def look() -> Machine:
    """Look at this machine once."""
    layout = cgroup_layout(Path("/proc/self/mountinfo").read_text())
    installed = {
        name for name in ("crun", "runc") if shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin:/sbin:/bin")
    }
    files, processes = _hard_limits()
    return Machine(layout, choose_runtime(layout, installed), files, processes)
