"""Months and the names of their partitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hx_gateway.usage.months import Month

MONTHS = st.builds(Month, st.integers(1970, 9000), st.integers(1, 12))


@pytest.mark.parametrize(
    ("month", "more", "then"),
    [
        ((2026, 11), 1, (2026, 12)),
        ((2026, 12), 1, (2027, 1)),
        ((2026, 1), -1, (2025, 12)),
        ((2026, 1), -13, (2024, 12)),
        ((2026, 6), 0, (2026, 6)),
        ((2026, 12), 24, (2028, 12)),
    ],
)
def test_counting(month: tuple[int, int], more: int, then: tuple[int, int]) -> None:
    assert Month(*month).plus(more) == then


@given(MONTHS, st.integers(-500, 500))
def test_counting_there_and_back(month: Month, more: int) -> None:
    assert month.plus(more).plus(-more) == month
    assert (month.plus(more) > month) == (more > 0)


@given(MONTHS)
def test_a_partition_names_its_month(month: Month) -> None:
    assert Month.from_partition(month.partition) == month


@pytest.mark.parametrize("name", ["requests", "requests_2026", "requests_2026_13", "requests_2026_00", "x_2026_01"])
def test_other_names_are_no_months(name: str) -> None:
    assert Month.from_partition(name) is None


def test_months_are_of_utc() -> None:
    east = timezone(timedelta(hours=5))
    assert Month.of(datetime(2027, 1, 1, 4, 59, tzinfo=east)) == (2026, 12)
    assert Month.of(datetime(2027, 1, 1, tzinfo=UTC)) == (2027, 1)
    assert Month(2027, 1).start == "2027-01-01 00:00:00+00"
