# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

_ENDED = ("failed", "inactive", "deactivating")


class StatefulUnit(t.Protocol):
    """What a watch asks of systemd."""

    def state(self) -> tuple[str, int]:
        """Return the unit's state and how often it was restarted."""


def ended(unit: StatefulUnit, restarts_allowed: int) -> str:
    """Return what happened to the unit's process; empty while it may still serve."""
    state, restarts = unit.state()
    return "its process ended" if state in _ENDED or restarts > restarts_allowed else ""


class SystemdUnit:
    """A service unit, as systemctl and journalctl handle it."""

    def __init__(self, module: AnsibleModule, name: str) -> None:
        self.module = module
        self.name = name
        self.systemctl = module.get_bin_path("systemctl", required=True)

    def call(self, *arguments: str, check: bool = True) -> str:
        """Run systemctl and return what it wrote."""
        environment = {"LC_ALL": "C", "SYSTEMD_COLORS": "0"}
        _rc, output, _error = self.module.run_command(
            [self.systemctl, *arguments], environ_update=environment, check_rc=check
        )
        return str(output)

    def start(self) -> None:
        """Have the unit started and do not wait."""
        self.call("daemon-reload")
        self.call("start", "--no-block", "--", self.name)

    def stop(self) -> None:
        """Stop the unit and forget how it ended."""
        self.call("kill", "--signal=SIGKILL", "--", self.name, check=False)
        self.call("stop", "--", self.name, check=False)
        self.call("reset-failed", "--", self.name, check=False)

    def state(self) -> tuple[str, int]:
        """Return the unit's state and how often it was restarted."""
        lines = self.call("show", "--property=ActiveState,NRestarts,Job", "--", self.name).splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        # The start is still to come.
        waiting = values.get("ActiveState") == "inactive" and values.get("Job", "0") not in ("", "0")
        restarts = values.get("NRestarts", "0")
        return "activating" if waiting else values.get("ActiveState", ""), int(restarts) if restarts.isdigit() else 0

    def journal(self, since: float) -> str:
        """Return what it said last."""
        program = self.module.get_bin_path("journalctl", required=True)
        arguments = ["--no-pager", "--output=cat", "--lines=20", f"--since=@{int(since)}", f"--unit={self.name}"]
        _rc, output, _error = self.module.run_command([program, *arguments])
        return str(output)
