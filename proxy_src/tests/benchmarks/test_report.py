from __future__ import annotations

import math

import pytest

from benchmarks.memory import growth
from benchmarks.report import Samples, table


def test_samples_are_summed_up_by_their_median_and_spread() -> None:
    samples = Samples()
    for value in (1.0, 9.0, 2.0):
        samples.add("nginx", "cpu", value=value)
    assert samples.median("nginx", "cpu") == 2
    assert samples.spread("nginx", "cpu") == 400
    assert math.isnan(samples.median("naive", "cpu"))


def test_a_table_is_markdown_with_numbers_to_the_right() -> None:
    assert table(("who", "cost"), [("nginx", 1.0), ("naive", float("nan")), ("x", float("inf"))]) == (
        "| who   |  cost |\n| ----- | ----: |\n| nginx |  1.00 |\n| naive |     - |\n| x     | never |"
    )


@pytest.mark.parametrize(("leak", "percent"), [(0, 0), (100, 50)])
def test_growth_is_the_slope_once_memory_has_settled(leak: int, percent: float) -> None:
    samples = [(0, 1000)] + [(at, 100_000 + leak * at) for at in range(100, 1001, 100)]
    assert growth(samples).percent == pytest.approx(percent, abs=0.1)
