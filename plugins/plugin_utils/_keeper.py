# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

"""Looks after the lock of a host as long as a run goes on."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hx.gateway.plugins.plugin_utils._controller import Process

LOST = 3
_LOOK_EVERY = 0.2
# A host that does not answer must not keep the keeper from seeing that the run has ended.
_ANSWER_WITHIN = 60


@dataclass(frozen=True)
class LockCommands:
    """What the keeper has the host's shell do. A run's name is hexadecimal, and in no other run's record."""

    path: str
    run: str

    @property
    def renew(self) -> str:
        """Say that the run is alive; the status is LOST when another one has the lock."""
        path = shlex.quote(self.path)
        other = f"[ -s {path} ] && exit {LOST} || exit 1"
        return f"if grep -qsF {self.run} {path}; then touch -c {path}; else {other}; fi"

    @property
    def release(self) -> str:
        """Remove the lock if it is still the run's."""
        path = shlex.quote(self.path)
        remove = shlex.quote(f"grep -qsF {self.run} {path} && rm -f {path}")
        return f"if grep -qsF {self.run} {path}; then flock {path} sh -c {remove}; fi"


class Keeper:
    """A process of its own: it outlives the run, and so gives the lock back also for one that was killed."""

    def __init__(self, run: Process, commands: LockCommands, shell: t.Callable[[str], int], every: float = 10) -> None:
        self.run = run
        self.commands = commands
        self.shell = shell
        self.every = every

    def start(self) -> int:
        """Leave it behind and return its process, once it is on its own."""
        reading, writing = os.pipe()
        if pid := os.fork():
            os.close(writing)
            with open(reading, "rb") as closed_when_detached:
                closed_when_detached.read()
            return pid
        try:
            self._detach()
            self._keep()
        finally:
            os._exit(0)

    def _detach(self) -> None:
        """Let go of what belongs to the run: nobody may wait for its pipes to be closed."""
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(null, standard)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))

    def _keep(self) -> None:
        due = time.monotonic() + self.every
        while self.run.alive:
            time.sleep(_LOOK_EVERY)
            if time.monotonic() < due:
                continue
            if self._ask(self.commands.renew) == LOST:
                self._end_the_run()
                return
            due = time.monotonic() + self.every
        self._ask(self.commands.release)

    def _ask(self, command: str) -> int:
        """Have the host do it. A host that cannot be reached keeps the lock until the lease is over."""
        signal.signal(signal.SIGALRM, _too_late)
        signal.alarm(_ANSWER_WITHIN)
        try:
            return self.shell(command)
        except Exception:
            return 1
        finally:
            signal.alarm(0)

    def _end_the_run(self) -> None:
        """Two runs never work on one host: whoever lost the lock stops."""
        with contextlib.suppress(OSError), open(f"/proc/{self.run.pid}/fd/2", "w", encoding="utf-8") as terminal:
            terminal.write("\nAnother run has taken the lock of a host over: this one ends.\n")
        if self.run.alive:
            os.kill(self.run.pid, signal.SIGTERM)


def _too_late(_signal: int, _frame: t.Any) -> t.NoReturn:
    raise TimeoutError
