# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.hx.gateway.plugins.module_utils import _wait


class Clock:
    """A clock that only moves when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_wait, "time", clock)
    return clock


def test_without_wait_there_is_one_attempt_without_a_limit(clock: Clock) -> None:
    waiter = _wait.Waiter(wait=False, timeout=10, poll_interval=1)
    seen: list[float | None] = []
    assert waiter.run(seen.append, lambda _answer: False) is None
    assert (seen, waiter.attempts, clock.now) == ([None], 1, 100.0)


def test_the_first_good_answer_ends_the_wait(clock: Clock) -> None:
    waiter = _wait.Waiter(wait=True, timeout=10, poll_interval=2)
    answers = itertools.count(1)
    assert waiter.run(lambda _remaining: next(answers), lambda answer: answer == 3) == 3
    assert (waiter.attempts, waiter.elapsed, clock.now) == (3, 4.0, 104.0)


def test_the_last_answer_is_returned_when_the_time_is_over(clock: Clock) -> None:
    waiter = _wait.Waiter(wait=True, timeout=5, poll_interval=2)
    remaining_seen: list[float | None] = []

    def probe(remaining: float | None) -> int:
        remaining_seen.append(remaining)
        clock.now += 0.5
        return len(remaining_seen)

    assert waiter.run(probe, lambda _answer: False) == 2
    assert remaining_seen == [5.0, 2.5]
    assert clock.now <= 105.0


def test_a_timeout_of_zero_still_asks_once(clock: Clock) -> None:
    waiter = _wait.Waiter(wait=True, timeout=0, poll_interval=1)
    assert waiter.run(lambda _remaining: "answer", lambda _answer: False) == "answer"
    assert (waiter.attempts, clock.now) == (1, 100.0)


@pytest.mark.parametrize(("timeout", "poll_interval"), [(-1, 1), (1, 0), (1, -1)])
def test_senseless_options(timeout: float, poll_interval: float) -> None:
    with pytest.raises(_wait.WaitError):
        _wait.Waiter(wait=True, timeout=timeout, poll_interval=poll_interval)
