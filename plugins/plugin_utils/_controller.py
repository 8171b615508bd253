# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

"""Runs of Ansible on this machine, and whether they are alive."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process, told from a later one of the same number by when it began."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Process:
        """Look at a process that is there."""
        return cls(pid, _started(pid))

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.started != "" and _started(self.pid) == self.started


def _started(pid: int) -> str:
    """Tell when a process began; empty when it has ended."""
    if not (_PROC / "self" / "stat").exists():
        asked = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    try:
        # The program's name stands in parentheses and may hold anything.
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # One that nobody has waited for yet is over all the same.
    return "" if fields[0] in ("Z", "X") else fields[19]


def controller() -> str:
    """Tell this machine from others, and from itself after a restart; a container is a machine of its own."""
    parts = [socket.gethostname()]
    if _PROC.is_dir():
        parts += [
            (_PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip(),
            os.readlink(_PROC / "self/ns/pid"),
        ]
    return " ".join(parts)


def run_of(process: Process) -> str:
    """Name a run by its process, unlike any other run anywhere."""
    return hashlib.sha256(f"{controller()} {process.pid} {process.started}".encode()).hexdigest()[:32]


def who() -> str:
    """Tell who runs this, and where."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"
