"""Limits in this process."""

from __future__ import annotations

from hx_gateway.stores import limits_memory
from hx_gateway.stores.limits_base import Verdict
from hx_gateway.stores.limits_memory import MemoryLimits, monotonic_ms

from limits import Clock, limit, plan


async def test_the_amount_passes_and_no_more() -> None:
    clock = Clock()
    limits = MemoryLimits(clock)
    three = plan(limit(amount=3, window=3.0))
    assert [(await limits.take(three, 0, "")).refused for _ in range(5)] == [-1, -1, -1, 0, 0]
    verdict = await limits.take(three, 0, "")
    assert verdict == Verdict(0, 1000, [0], [3000])
    clock.now += 999
    assert (await limits.take(three, 0, "")).wait == 1
    clock.now += 1
    assert await limits.take(three, 0, "") == Verdict(-1, 0, [0], [3000])


async def test_a_refused_request_uses_nothing_of_any_limit() -> None:
    limits = MemoryLimits(Clock())
    both = plan(
        limit("many", amount=10),
        limit("tokens", "tokens", 100),
        limit("few", amount=1),
        limit("at-once", "concurrent", 5),
    )
    assert (await limits.take(both, 10, "x")).refused == -1
    for _ in range(3):
        verdict = await limits.take(both, 10, "y")
        assert verdict.refused == 2
        assert verdict.remaining == [9, 90, 0, 4]


async def test_of_several_the_longest_wait_counts() -> None:
    limits = MemoryLimits(Clock())
    both = plan(limit("short", amount=1, window=1.0), limit("long", amount=1, window=60.0))
    await limits.take(both, 0, "")
    verdict = await limits.take(both, 0, "")
    assert (verdict.refused, verdict.wait) == (1, 60_000)


async def test_tokens_are_corrected_both_ways() -> None:
    limits = MemoryLimits(Clock())
    tokens = plan(limit("t", "tokens", 100, window=100.0))
    assert (await limits.take(tokens, 60, "")).standings == [(40, 60_000)]
    limits.settle(tokens, -50, "")
    assert (await limits.take(tokens, 0, "")).standings == [(90, 10_000)]
    limits.settle(tokens, 140, "")  # an answer may take more than there is
    verdict = await limits.take(tokens, 1, "")
    assert (verdict.refused, verdict.wait) == (0, 51_000)
    assert (await limits.take(tokens, 0, "")).refused == -1  # what takes no tokens may pass
    limits.settle(tokens, -1000, "")
    assert len(limits) == 0


async def test_more_than_a_limit_holds_never_passes() -> None:
    limits = MemoryLimits(Clock())
    assert (await limits.take(plan(limit("t", "tokens", 100)), 101, "")).refused == 0
    assert len(limits) == 0


async def test_places_are_freed() -> None:
    limits = MemoryLimits(Clock())
    two = plan(limit("c", "concurrent", 2))
    assert [(await limits.take(two, 0, str(number))).refused for number in range(3)] == [-1, -1, 0]
    limits.settle(two, 0, "0")
    assert [(await limits.take(two, 0, str(number))).refused for number in range(2)] == [-1, 0]
    for _ in range(2):
        limits.settle(two, 0, "x")
    assert len(limits) == 0


async def test_empty_counters_are_forgotten() -> None:
    clock = Clock()
    limits = MemoryLimits(clock)
    for number in range(20_000):
        clock.now += 1
        await limits.take(plan(limit(amount=1, window=1.0, scope=["client"]), client=str(number)), 0, "")
    assert len(limits) <= limits_memory._SWEEP_FROM + 1


async def test_counters_in_use_have_a_bound(monkeypatch: object) -> None:
    limits = MemoryLimits(Clock())
    limits_memory_max = limits_memory._COUNTERS_MAX
    try:
        limits_memory._COUNTERS_MAX = 3000
        for number in range(20_000):
            await limits.take(plan(limit(amount=1, scope=["client"]), client=str(number)), 0, "")
        assert len(limits) <= 6001
        last = plan(limit(amount=1, scope=["client"]), client="19999")
        assert (await limits.take(last, 0, "")).refused == 0
    finally:
        limits_memory._COUNTERS_MAX = limits_memory_max


async def test_a_clock_that_nobody_sets() -> None:
    first = monotonic_ms()
    assert 0 <= monotonic_ms() - first < 1000
