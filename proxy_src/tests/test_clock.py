"""A deadline that is moved often and passes seldom."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from hx_gateway.clock import Clock, earlier

if TYPE_CHECKING:
    from collections.abc import Callable

EARLY = 0.001
"""Seconds by which event loops may wake early."""


class Called:
    """What a clock calls; when it did is asked of the loop, so that a machine that is busy makes no test fail."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.times: list[float] = []
        self._first = asyncio.Event()
        self.clock = Clock(self.loop, self)

    def __call__(self) -> None:
        self.times.append(self.loop.time())
        self._first.set()

    def after(self, seconds: float) -> float:
        """Return when that is, having told the clock."""
        until = self.loop.time() + seconds
        self.clock.run_until(until)
        return until

    async def once(self) -> float:
        """Return when it was called; it must not be a second time."""
        await asyncio.wait_for(self._first.wait(), 20)
        await asyncio.sleep(0.05)
        (time,) = self.times
        return time


async def test_it_calls_back_once_when_the_time_has_come() -> None:
    called = Called()
    until = called.after(0.05)
    assert await called.once() >= until - EARLY


async def test_moving_the_deadline_later_moves_the_call() -> None:
    called = Called()
    called.after(0.03)
    until = called.after(0.15)
    assert await called.once() >= until - EARLY


async def test_moving_it_earlier_does_too() -> None:
    called = Called()
    late = called.after(30)
    until = called.after(0.03)
    assert until - EARLY <= await called.once() < late - 5


async def test_it_runs_again_after_its_call() -> None:
    called = Called()
    called.after(0.01)
    await called.once()
    called.times.clear()
    until = called.after(0.02)
    while not called.times:  # noqa: ASYNC110 - its event is spent; a test has a limit
        await asyncio.sleep(0.005)
    assert await called.once() >= until - EARLY


@pytest.mark.parametrize("take_away", [lambda clock: clock.run_until(None), lambda clock: clock.stop()])
async def test_a_deadline_taken_away_never_passes(take_away: Callable[[Clock], None]) -> None:
    called = Called()
    called.after(0.02)
    take_away(called.clock)
    await asyncio.sleep(0.06)
    assert called.times == []


async def test_later_deadlines_take_no_timer_of_their_own() -> None:
    loop = Mock(wraps=asyncio.get_running_loop())
    clock = Clock(loop, Mock())
    for more in range(100):
        clock.run_until(loop.time() + 30 + more)
    assert loop.call_at.call_count == 1
    clock.stop()


@pytest.mark.parametrize(("a", "b", "first"), [(None, None, None), (1, None, 1), (None, 2, 2), (3, 2, 2), (2, 3, 2)])
def test_earlier(a: float | None, b: float | None, first: float | None) -> None:
    assert earlier(a, b) == first


async def test_a_clock_at_rest_keeps_no_timer_but_one_that_runs() -> None:
    called = Called()
    called.after(0.01)
    called.clock.rest()
    await called.once()
    loop = Mock(wraps=asyncio.get_running_loop())
    clock = Clock(loop, Mock())
    clock.run_until(loop.time() + 30)
    clock.run_until(None)
    clock.rest()
    clock.run_until(loop.time() + 60)
    assert loop.call_at.call_count == 2
    clock.stop()
