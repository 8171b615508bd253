"""A deadline that is moved often and passes seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_PRECISION = 0.001
"""Seconds by which event loops may wake early: their clocks tick in milliseconds."""


class Clock:
    """Calls back when a deadline passes.

    Taking the deadline away or moving it later costs no timer: the one that runs looks again when it wakes.
    """

    __slots__ = ("_handle", "_loop", "_on_time", "_until", "_wakes_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_time: Callable[[], None]) -> None:
        self._loop = loop
        self._on_time = on_time
        self._until: float | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0

    def run_until(self, until: float | None) -> None:
        """Call back at `until` by the loop's clock instead of what was said before; None: never."""
        self._until = until
        if until is None:
            return
        if self._handle is not None:
            if self._wakes_at <= until:
                return
            self._handle.cancel()
        self._wakes_at = until
        self._handle = self._loop.call_at(until, self._wake)

    def rest(self) -> None:
        """Let go of a timer that nobody waits for."""
        if self._until is None and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def stop(self) -> None:
        """Never call back again, and let go of the timer and of who was to be called."""
        self._until = None
        self._on_time = _nobody
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wake(self) -> None:
        self._handle = None
        until = self._until
        if until is None:
            return
        if until - self._loop.time() > _PRECISION:
            self.run_until(until)
        else:
            self._until = None
            self._on_time()


def _nobody() -> None:
    """Take the place of a callback."""


def earlier(a: float | None, b: float | None) -> float | None:
    """Return the earlier of two deadlines; None means never."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)
