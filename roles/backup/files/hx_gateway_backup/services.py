# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that use what is restored: stopped for it, started with it, and asked whether it serves."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import BackupError
from .settings import Settings


@contextmanager
def stopped(services: list[str]) -> Iterator[list[str]]:
    """Stop the services that run or try to; where what follows fails, those run again at the end."""
    running = [one for one in services if _state(one) != "inactive"]
    try:
        stop(services)
        yield running
    except BaseException:
        _begin(running, must=False)
        raise


def stop(services: list[str]) -> None:
    """Stop services, the last to start first."""
    for one in reversed(services):
        _systemctl("stop", one)


def prove(settings: Settings, running: list[str], *, database: bool) -> None:
    """Start the services that ran, in their order; where all of them did, each gate must answer as expected."""
    _begin(running)
    if running != settings.services:
        return
    deadline = time.monotonic() + settings.gate_timeout
    for gate in settings.gates:
        expected = gate["expect"] if database else gate.get("expect_without_database", gate["expect"])
        while reason := _refusal(gate["url"], expected):
            if time.monotonic() > deadline:
                raise BackupError(f"{gate['url']} does not answer as expected after the restore: {reason}")
            time.sleep(1)


def reload_units() -> None:
    """Have systemd read the units again."""
    _systemctl("daemon-reload")


def _begin(services: list[str], *, must: bool = True) -> None:
    """Restart, not start: a client may have started one meanwhile through its socket, with files that are gone now."""
    for one in services:
        _systemctl("restart", one, must=must)


def _refusal(url: str, expected: dict[str, Any]) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  settings take http alone
            body = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError) as error:
        return str(error)
    return "" if {**body, **expected} == body else json.dumps(body)[:500]


def _state(service: str) -> str:
    command = ["systemctl", "show", "--property=ActiveState", "--value", service]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _systemctl(*words: str, must: bool = True) -> int:
    done = subprocess.run(["systemctl", *words], capture_output=True, check=False)
    if must and done.returncode:
        raise BackupError(f"systemctl {' '.join(words)} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.returncode
