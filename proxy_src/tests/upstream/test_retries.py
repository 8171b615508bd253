"""The budget of retries."""

from __future__ import annotations

from hx_gateway.upstream.retries import RetryBudget


def test_a_reserve_then_a_share_of_the_requests() -> None:
    budget = RetryBudget(0.1)
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(11):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


def test_no_more_is_saved_than_the_reserve() -> None:
    budget = RetryBudget(1)
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1000)) == 10


def test_no_share_means_no_retries() -> None:
    budget = RetryBudget(0)
    budget.earn()
    assert not budget.spend()
