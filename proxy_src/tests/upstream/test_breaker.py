"""The circuit breaker, by a clock of the test."""

from __future__ import annotations

import pytest

from hx_gateway.upstream.breaker import Breaker


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> Breaker:
    return Breaker(3, 10, time)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.failure(breaker.begin())


def test_failures_in_a_row_open_it(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert (breaker.state, breaker.allows) == ("closed", True)
    assert breaker.failure(breaker.begin())
    assert (breaker.state, breaker.allows, breaker.ejections) == ("open", False, 1)


def test_a_success_between_them_does_not(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert not breaker.answered()
    breaker.whole()
    fail(breaker, 2)
    assert breaker.state == "closed"


def test_after_the_pause_one_request_is_on_trial(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 9.9
    assert not breaker.allows
    time.now += 0.1
    assert breaker.allows
    assert breaker.begin()
    assert (breaker.state, breaker.allows) == ("half_open", False)
    assert not breaker.begin()  # sent all the same, since there was no other server


def test_a_trial_that_succeeds_closes_it(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 10
    breaker.begin()
    assert breaker.answered()
    assert (breaker.state, breaker.allows) == ("closed", True)
    fail(breaker, 2)
    assert breaker.state == "closed"


def test_a_trial_that_fails_opens_it_for_twice_as_long_up_to_an_end(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(7):
        start = time.now
        while not breaker.allows:
            time.now += 10
        pauses.append(time.now - start)
        assert breaker.failure(breaker.begin())
    assert pauses == [10, 20, 40, 80, 160, 160, 160]
    assert breaker.ejections == 8
    time.now += 160
    breaker.begin()
    breaker.answered()
    fail(breaker, 3)
    time.now += 10
    assert breaker.allows  # what was is forgiven


def test_a_trial_without_an_end_leaves_room_for_another(breaker: Breaker, time: Time) -> None:
    fail(breaker, 3)
    time.now += 10
    breaker.undecided(breaker.begin())
    assert (breaker.state, breaker.allows) == ("half_open", True)


def test_requests_from_before_do_not_decide_a_trial(breaker: Breaker, time: Time) -> None:
    before = breaker.begin()
    fail(breaker, 3)
    time.now += 10
    trial = breaker.begin()
    assert not breaker.failure(before)
    breaker.undecided(before)
    assert (breaker.state, breaker.allows) == ("half_open", False)
    assert breaker.failure(trial)
