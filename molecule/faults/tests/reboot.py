"""Restarts the host under test, in good order or as if the power had failed."""

from __future__ import annotations

import subprocess

from checks.site import PROJECT
from testinfra.host import Host


def reboot(host: Host, *, hard: bool) -> None:
    """Return when systemd has booted; the services may still be starting."""
    name = host.backend.get_hostname()
    command = [PROJECT / "molecule/shared/bin/testhost", "reboot", name, *(["--hard"] if hard else [])]
    subprocess.run(command, check=True)
