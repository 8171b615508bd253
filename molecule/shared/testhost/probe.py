"""Finding out whether a started container is a usable test host."""

from __future__ import annotations

import time

from testhost.engine import execute, podman
from testhost.shell import HarnessError, say

BOOT_SECONDS = 60
# Debian's redis-server asks for the first three together, which fails first where privileges are missing.
SANDBOX = (
    "User=nobody",
    "PrivateUsers=yes",
    "ProtectProc=invisible",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "NoNewPrivileges=yes",
    "RestrictNamespaces=yes",
    "SystemCallFilter=@system-service",
)


def wait_until_booted(name: str) -> None:
    """Wait until systemd has started everything, and name the units that failed."""
    deadline = time.monotonic() + BOOT_SECONDS
    state = ""
    while time.monotonic() < deadline:
        result = execute(name, ["systemctl", "is-system-running"], check=False)
        state = result.stdout.decode(errors="replace").strip()
        if state == "running":
            return
        if state == "degraded":
            failed = execute(name, ["systemctl", "--failed", "--no-legend", "--plain"], check=False)
            say(f"{name}: these units failed to start:\n{failed.stdout.decode(errors='replace').rstrip()}")
            return
        if not _runs(name):
            raise HarnessError(f"{name} stopped while it was booting:\n{_last_words(name)}")
        time.sleep(0.2)
    raise HarnessError(f"{name}: systemd is {state or 'silent'} after {BOOT_SECONDS} s:\n{_last_words(name)}")


def sandbox_works(name: str) -> bool:
    """Whether systemd inside can give a unit the sandbox the services under test ask for."""
    properties = [word for each in SANDBOX for word in ("--property", each)]
    probe = ["systemd-run", "--quiet", "--wait", "--collect", *properties, "/bin/true"]
    return execute(name, probe, check=False, timeout=30).returncode == 0


def _runs(name: str) -> bool:
    state = podman("inspect", "--format", "{{.State.Status}}", name, check=False)
    return state.stdout.decode().strip() == "running"


def _last_words(name: str) -> str:
    logs = podman("logs", "--tail", "20", name, check=False)
    return (logs.stdout + logs.stderr).decode(errors="replace").strip()
