"""The mathematics of a counter, against what it promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hx_gateway.stores import limits_bucket as maths
from hx_gateway.stores.limits_bucket import Rate

amounts = st.integers(1, 10**9)
windows = st.integers(1, 86_400_000)


@pytest.mark.parametrize(
    ("amount", "window", "burst", "expected"),
    [
        (60, 60_000, 0, Rate(1, 1000, 60_000)),
        (1000, 60_000, 0, Rate(1, 60, 60_000)),
        (1_000_000, 60_000, 0, Rate(50, 3, 3_000_000)),
        (3, 1000, 0, Rate(3, 1000, 3000)),
        (60, 60_000, 10, Rate(1, 1000, 10_000)),
    ],
)
def test_rates(amount: int, window: int, burst: int, expected: Rate) -> None:
    assert maths.rate(amount, window, burst) == expected


@given(amounts, windows)
def test_exactly_the_amount_passes_at_once_and_comes_back_in_the_window(amount: int, window: int) -> None:
    drain, unit, most = maths.rate(amount, window, 0)
    assert maths.wait(0, amount * unit, drain, most) == 0
    assert maths.wait(0, (amount + 1) * unit, drain, most) > 0
    assert maths.standing(amount * unit, drain, unit, most) == (0, window)
    assert maths.drained(most, 0, window, drain) == 0
    assert maths.drained(most, 0, window - 1, drain) > 0


@given(amounts, windows, st.integers(0, 100), st.integers(1, 100), st.integers(0, 10**12))
def test_the_wait_is_as_short_as_can_be(amount: int, window: int, burst: int, cost: int, level: int) -> None:
    drain, unit, most = maths.rate(amount, window, burst)
    level = min(level, 3 * most)
    wait = maths.wait(level, cost * unit, drain, most)
    if cost * unit <= most:
        assert maths.wait(maths.drained(level, 0, wait, drain), cost * unit, drain, most) == 0
    if wait:
        assert maths.wait(maths.drained(level, 0, wait - 1, drain), cost * unit, drain, most) > 0


@given(
    st.integers(1, 50),
    st.integers(1, 5000),
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 10)), max_size=40),
)
def test_no_stretch_of_time_lets_more_through(
    amount: int, window: int, burst: int, asked: list[tuple[int, int]]
) -> None:
    drain, unit, most = maths.rate(amount, window, burst)
    level = last = now = 0
    passed: list[tuple[int, int]] = []
    for pause, cost in asked:
        now += pause
        level, last = maths.drained(level, last, now, drain), now
        if maths.wait(level, cost * unit, drain, most) == 0:
            level += cost * unit
            passed.append((now, cost))
    for first, (start, _) in enumerate(passed):
        total = 0
        for end, cost in passed[first:]:
            total += cost
            assert total * window <= (burst or amount) * window + amount * (end - start)


@given(st.integers(0, 10**9), st.integers(-(10**9), 10**9), st.integers(1, 100))
def test_a_clock_that_goes_back_neither_drains_nor_stops_the_draining(level: int, jump: int, drain: int) -> None:
    before = 10**12
    now = before + jump
    seen = maths.drained(level, before, now, drain)
    assert seen == max(0, level - drain * max(0, jump))
    assert maths.drained(seen, now, now + 10, drain) == max(0, seen - 10 * drain)


@given(st.integers(0, 10**15), st.integers(-(10**15), 10**16))
def test_corrections_stay_in_bounds(level: int, change: int) -> None:
    assert 0 <= maths.settled(level, change) <= maths.HIGHEST
    if 0 <= level + change <= maths.HIGHEST:
        assert maths.settled(level, change) == level + change


def test_standing_of_a_bucket_in_debt() -> None:
    assert maths.standing(150, 1, 10, 100) == (0, 150)
