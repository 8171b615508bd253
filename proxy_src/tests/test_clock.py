"""A deadline that is moved often and passes seldom."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest

from hx_gateway.clock import Clock, earlier


def made() -> tuple[asyncio.AbstractEventLoop, Clock, Mock]:
    called = Mock()
    loop = asyncio.get_running_loop()
    return loop, Clock(loop, called), called


async def test_it_calls_back_once_when_the_time_has_come() -> None:
    loop, clock, called = made()
    clock.run_until(loop.time() + 0.05)
    await asyncio.sleep(0.02)
    called.assert_not_called()
    await asyncio.sleep(0.08)
    called.assert_called_once_with()


async def test_moving_the_deadline_later_moves_the_call() -> None:
    loop, clock, called = made()
    clock.run_until(loop.time() + 0.03)
    clock.run_until(loop.time() + 0.15)
    await asyncio.sleep(0.08)
    called.assert_not_called()
    await asyncio.sleep(0.15)
    called.assert_called_once_with()


async def test_moving_it_earlier_does_too() -> None:
    loop, clock, called = made()
    clock.run_until(loop.time() + 30)
    clock.run_until(loop.time() + 0.03)
    await asyncio.sleep(0.1)
    called.assert_called_once_with()


@pytest.mark.parametrize("take_away", [lambda clock: clock.run_until(None), lambda clock: clock.stop()])
async def test_a_deadline_taken_away_never_passes(take_away: Mock) -> None:
    loop, clock, called = made()
    clock.run_until(loop.time() + 0.02)
    take_away(clock)
    await asyncio.sleep(0.06)
    called.assert_not_called()


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
