# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import fcntl
import json
import os
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime


@dataclass(frozen=True)
class Holder:
    """A run that has a lock."""

    run: str
    """Tells it from every other run."""
    controller: str
    """The machine it runs on, as long as that is not restarted."""
    pid: int
    started: str
    who: str
    playbook: str
    since: str = ""

    @classmethod
    def load(cls, data: dict[str, t.Any]) -> Holder:
        """Read it from a module's arguments or from a record."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})


# What is in the file and cannot be read was written by no run of ours; it is treated like the record of a foreign one.
NOBODY = Holder(run="", controller="", pid=0, started="", who="somebody", playbook="something", since="an unknown time")


@dataclass(frozen=True)
class Answer:
    """What came of asking for a lock."""

    held: bool
    """Whether the one who asked has it."""
    holder: Holder
    """Who has it now."""
    before: Holder | None = None
    """Whom it was taken from."""
    signed_ns: int = 0
    """When its holder gave its last sign of life, by the host's clock."""

    @property
    def age(self) -> float:
        """Seconds since the last sign of life."""
        return max(0.0, (time.time_ns() - self.signed_ns) / 1e9)

    def dump(self) -> dict[str, t.Any]:
        """Return it as a module's result."""
        return {
            "held": self.held,
            "holder": asdict(self.holder),
            "before": asdict(self.before) if self.before else {},
            "age": 0.0 if self.held else round(self.age, 1),
        }


class Lock:
    """A file on the host that names the run that has it; its time of change is that run's last sign of life."""

    def __init__(self, path: str, lease: float) -> None:
        self.path = path
        self.lease = lease

    def take(self, mine: Holder, *, force: bool = False, over: str = "") -> Answer:
        """Take the lock if it is free, one's own already, or that of the run to take it from."""
        with self._opened() as file:
            return self._decide(file, mine, lambda found, _signed: force or found.run == over != "")

    def outwait(self, mine: Holder, refusal: Answer) -> Answer:
        """Take the lock when its holder gives no sign of life for a lease; a living one is seen much sooner."""
        deadline = time.monotonic() + max(0.0, self.lease - refusal.age)
        silent_ones = set()
        while True:
            if time.monotonic() >= deadline:
                silent_ones.add((refusal.holder.run, refusal.signed_ns))
            with self._opened() as file:
                answer = self._decide(file, mine, lambda found, signed: (found.run, signed) in silent_ones)
            if answer.held or answer.signed_ns != refusal.signed_ns:
                return answer
            time.sleep(0.5)

    def _decide(self, file: t.TextIO, mine: Holder, dead: t.Callable[[Holder, int], bool]) -> Answer:
        found, signed_ns = _read(file), os.fstat(file.fileno()).st_mtime_ns
        if found and found.run == mine.run:
            os.utime(file.fileno())
            return Answer(held=True, holder=found)
        if found and not dead(found, signed_ns):
            return Answer(held=False, holder=found, signed_ns=signed_ns)
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        holder = Holder.load({**asdict(mine), "since": since})
        file.seek(0)
        file.truncate()
        json.dump(asdict(holder), file)
        return Answer(held=True, holder=holder, before=found)

    @contextmanager
    def _opened(self) -> Iterator[t.TextIO]:
        """Open the file for one process at a time. One that was removed meanwhile is no longer the lock."""
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._is_in_place(handle):
                    yield file
                    return

    def _is_in_place(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(self.path))
        except FileNotFoundError:
            return False


def _read(file: t.TextIO) -> Holder | None:
    text = file.read()
    if not text:
        return None
    try:
        return Holder.load(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return NOBODY
