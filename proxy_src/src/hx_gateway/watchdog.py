"""Tells systemd that the event loop still turns (sd_watchdog_enabled(3))."""

from __future__ import annotations

import asyncio
import os

from hx_gateway.notify import notify


class Watchdog:
    """Sends WATCHDOG=1 at half of WATCHDOG_USEC; does nothing where no watchdog waits for this process."""

    def __init__(self) -> None:
        self._interval = watchdog_seconds() / 2
        self._clock: asyncio.TimerHandle | None = None
        if self._interval:
            self._ping()

    def _ping(self) -> None:
        notify("WATCHDOG=1")
        self._clock = asyncio.get_running_loop().call_later(self._interval, self._ping)

    def close(self) -> None:
        """Stop."""
        if self._clock is not None:
            self._clock.cancel()


def watchdog_seconds() -> float:
    """Return the seconds after which the manager misses this process; 0 without a watchdog."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or (pid and pid != str(os.getpid())):
        return 0
    return int(usec) / 1_000_000
