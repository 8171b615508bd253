# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import time
import typing as t

Answer = t.TypeVar("Answer")


def wait_argument_spec() -> dict[str, t.Any]:
    """Options of the doc fragment hx.gateway._wait."""
    return {
        "wait": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 60},
        "poll_interval": {"type": "float", "default": 1},
    }


class WaitError(ValueError):
    """The waiting options make no sense."""


class Waiter:
    """Repeats a question until its answer is good or the time is over."""

    def __init__(self, *, wait: bool, timeout: float, poll_interval: float) -> None:
        if timeout < 0:
            raise WaitError("timeout must not be negative")
        if poll_interval <= 0:
            raise WaitError("poll_interval must be greater than 0")
        self.wait = wait
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.attempts = 0
        self.elapsed = 0.0

    def run(
        self,
        probe: t.Callable[[float | None], Answer],
        done: t.Callable[[Answer], bool],
    ) -> Answer:
        """Return the first answer that is done, or the last one.

        The probe is told how many seconds are left (None: no limit), so that one attempt cannot outlive the whole wait.
        """
        start = time.monotonic()
        deadline = start + self.timeout
        while True:
            remaining = max(0.0, deadline - time.monotonic()) if self.wait else None
            self.attempts += 1
            answer = probe(remaining)
            now = time.monotonic()
            self.elapsed = round(now - start, 3)
            if not self.wait or done(answer) or now + self.poll_interval >= deadline:
                return answer
            time.sleep(self.poll_interval)
