"""A part for the gateway's pipeline that measures the pauses of its event loop: what every request has to wait for.

Named in `middlewares.add`; writes the file that the environment variable HX_BENCH_TICKS names when the gateway ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hx_gateway.middleware import Services

VARIABLE = "HX_BENCH_TICKS"

_EVERY = 0.001

_STARTING = 500
"""Ticks that do not count: the gateway is still being made."""


class _Ticker:
    """A timer of a millisecond, and how late it comes for other reasons than that the core was somebody else's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # proc(5), schedstat: time on the core, time in wait for it
        self._schedule = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        self._waited = self._read()
        self._late: list[float] = []
        self._plan()

    def _read(self) -> float:
        return int(os.pread(self._schedule, 100, 0).split()[1]) / 1e9

    def _plan(self) -> None:
        # not the loop's own clock, which stands still while a callback runs
        self._due = time.monotonic() + _EVERY
        self._timer = self._loop.call_later(_EVERY, self._tick)

    def _tick(self) -> None:
        waited, self._waited = self._waited, self._read()
        self._late.append(max(0.0, time.monotonic() - self._due - (self._waited - waited)))
        self._plan()

    def report(self) -> None:
        """Write the figures, in milliseconds."""
        self._timer.cancel()
        late = sorted(self._late[_STARTING:] or self._late)
        shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
        figures = {name: late[int(share * (len(late) - 1))] * 1000 for name, share in shares.items()}
        Path(os.environ[VARIABLE]).write_text(json.dumps({"ticks": len(late), **figures}))


def measure(services: Services) -> None:
    """Tick until the gateway ends; adds nothing to the pipeline."""
    services.lifespan.callback(_Ticker().report)
