# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import os
import re
import shlex
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "NRestarts",
    "NeedDaemonReload",
    "FragmentPath",
    "DropInPaths",
    "ExecMainStartTimestamp",
    "InactiveExitTimestamp",
    "StatusText",
    "TriggeredBy",
    "Listen",
)

_TIMESTAMP = re.compile(r"(?:\w+ )?(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? UTC$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_LINKS = 40


class UnitError(Exception):
    """systemd's answer cannot be understood."""


def parse_timestamp(text: str) -> datetime | None:
    """Read a time as ``systemctl show --timestamp=us+utc`` writes it; an unset one is empty or ``n/a``."""
    if text in ("", "n/a", "0"):
        return None
    found = _TIMESTAMP.match(text)
    if not found:
        raise UnitError(f"systemd wrote a time in an unknown form: {text}")
    numbers = [int(number) for number in found.groups()[:6]]
    micros = int((found[7] or "").ljust(6, "0"))
    return datetime(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], micros, tzinfo=UTC)


@dataclass(frozen=True)
class Unit:
    """What systemd says about a unit."""

    load_state: str
    active_state: str
    sub_state: str
    result: str
    main_pid: int
    restarts: int
    need_daemon_reload: bool
    unit_files: tuple[str, ...]
    started_at: datetime | None
    status: str = ""
    sockets: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Whether a process of the unit may hold an old configuration."""
        return self.active_state in ("active", "reloading", "activating", "refreshing")


def parse_show(output: str) -> Unit:
    """Read what ``systemctl show`` wrote for the properties above."""
    lines = [line.partition("=") for line in output.splitlines() if "=" in line]
    values = {name: value for name, _sign, value in lines}
    if "LoadState" not in values:
        raise UnitError("systemd told nothing about the unit")

    def number(name: str) -> int:
        text = values.get(name, "")
        return int(text) if text.isdigit() else 0

    fragment = values.get("FragmentPath", "")
    # A unit without a main process (a target, a socket) began when it left inactivity.
    started_at = parse_timestamp(values.get("ExecMainStartTimestamp", "")) or parse_timestamp(
        values.get("InactiveExitTimestamp", "")
    )
    return Unit(
        load_state=values["LoadState"],
        active_state=values.get("ActiveState", ""),
        sub_state=values.get("SubState", ""),
        result=values.get("Result", ""),
        main_pid=number("MainPID"),
        restarts=number("NRestarts"),
        need_daemon_reload=values.get("NeedDaemonReload") == "yes",
        unit_files=tuple(path for path in [fragment, *shlex.split(values.get("DropInPaths", ""))] if path),
        started_at=started_at,
        status=values.get("StatusText", ""),
        sockets=tuple(name for name in values.get("TriggeredBy", "").split() if name.endswith(".socket")),
        # One line for each address of a socket unit.
        listen=tuple(value for name, _sign, value in lines if name == "Listen"),
    )


def _changed_at(status: os.stat_result) -> datetime:
    """Turn the modification time into a datetime without passing through a float, which would round it."""
    return _EPOCH + timedelta(microseconds=status.st_mtime_ns // 1000)


def last_change(path: str) -> datetime | None:
    """Tell when what stands at a path last changed; None when nothing is there.

    Every symbolic link on the way counts with its own time: a link that was switched to an older folder is a change,
    although nothing in the folder is.
    """
    times: list[datetime] = []
    pending = [part for part in path.split("/") if part]
    current = "/"
    links = 0
    status = os.stat(current)
    while pending:
        part = pending.pop(0)
        candidate = (
            os.path.join(current, part) if part not in (".", "..") else os.path.normpath(os.path.join(current, part))
        )
        try:
            status = os.lstat(candidate)
            target = os.readlink(candidate) if os.path.islink(candidate) else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        if target is None:
            current = candidate
            continue
        links += 1
        if links > _MAX_LINKS:
            return None
        times.append(_changed_at(status))
        pending = [piece for piece in target.split("/") if piece] + pending
        if target.startswith("/"):
            current = "/"
        status = os.stat(current)
    times.append(_changed_at(status))
    return max(times)


_SERVING = re.compile(
    r"Serving with the configuration of (?P<time>\S+Z)(?:; restart needed: (?P<keys>[^;]*))?"
    r"(?:; refused(?: that of (?P<refused>\S+Z))?: (?P<reason>.*))?$"
)


@dataclass(frozen=True)
class Configuration:
    """What a process says in its status of the configuration it runs with; empty where it says nothing."""

    changed_at: str = ""
    restart_needed: tuple[str, ...] = ()
    refused_at: str = ""
    reason: str = ""


def parse_status(text: str) -> Configuration:
    """Read the status line of hx-gateway (its README, "Running")."""
    found = _SERVING.match(text)
    if not found:
        return Configuration()
    keys = tuple(key.strip() for key in (found["keys"] or "").split(",") if key.strip())
    return Configuration(found["time"], keys, found["refused"] or "", found["reason"] or "")


def modified_at(path: str) -> str | None:
    """Tell a file's modification time in the form of a status line; None when nothing is there."""
    try:
        return format_time(_changed_at(os.stat(path)))
    except (FileNotFoundError, NotADirectoryError):
        return None


def format_time(time: datetime) -> str:
    """Write a time of UTC as ISO 8601 at microseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Freshness:
    """How the files of a unit compare with its main process."""

    newer_files: list[str]
    missing_files: list[str]


def compare_files(unit: Unit, files: t.Iterable[str]) -> Freshness:
    """Find the files that changed after the main process of the unit began."""
    newer: list[str] = []
    absent: list[str] = []
    for path in dict.fromkeys(files):
        changed = last_change(path)
        if changed is None:
            absent.append(path)
        elif unit.active and unit.started_at is not None and changed > unit.started_at:
            newer.append(path)
    return Freshness(newer, absent)
