"""Limits in this process: the embedded default, and what counts while Redis is away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hx_gateway.stores import limits_bucket as maths
from hx_gateway.stores.limits_base import WAIT_FOR_PLACE, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.stores.limits_base import Bucket, Plan

_SWEEP_FROM = 4096
"""Counters that are kept before the empty ones are looked for."""

_COUNTERS_MAX = 500_000
"""Counters that are kept at all: with more in use at a time, the oldest are forgotten."""


def monotonic_ms() -> int:
    """Return milliseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


class MemoryLimits:
    """Counts for this process alone: several gateways allow as many times as much."""

    def __init__(self, clock: Callable[[], int] = monotonic_ms) -> None:
        self._clock = clock
        self._levels: dict[str, tuple[int, int, int]] = {}
        """Counter to level, when that was, and drain."""
        self._held: dict[str, int] = {}
        self._sweep_at = _SWEEP_FROM

    async def take(self, plan: Plan, tokens: int, holder: str) -> Verdict:  # noqa: ARG002 - places have no names here
        """Use what the request needs, or nothing."""
        return self.use(plan, tokens)

    def use(self, plan: Plan, tokens: int) -> Verdict:
        """Do what `take` does."""
        now = self._clock()
        levels = [self._level(bucket, now) for bucket in plan.buckets]
        refused, longest = -1, 0
        for index, bucket in enumerate(plan.buckets):
            wait = _wait(bucket, levels[index], tokens)
            if wait > longest:
                refused, longest = index, wait
        if refused < 0:
            for index, bucket in enumerate(plan.buckets):
                levels[index] += _cost(bucket, tokens)
                self._keep(bucket, levels[index], now)
        standings = [_standing(bucket, levels[index]) for index, bucket in enumerate(plan.buckets)]
        return Verdict(refused, longest, [remaining for remaining, _ in standings], [reset for _, reset in standings])

    def settle(self, plan: Plan, tokens: int, holder: str) -> None:  # noqa: ARG002 - places have no names here
        """Correct the tokens and free the places."""
        self.spend(plan, tokens)
        self.free(plan)

    def spend(self, plan: Plan, tokens: int) -> None:
        """Correct the tokens."""
        if tokens:
            now = self._clock()
            for index in plan.tokens:
                bucket = plan.buckets[index]
                self._keep(bucket, maths.settled(self._level(bucket, now), tokens * bucket.unit), now)

    def free(self, plan: Plan) -> None:
        """Free the places."""
        for index in plan.concurrent:
            key = plan.keys[index]
            held = self._held.pop(key, 0) - 1
            if held > 0:
                self._held[key] = held

    def __len__(self) -> int:
        """Counters that are kept."""
        return len(self._levels) + len(self._held)

    def _level(self, bucket: Bucket, now: int) -> int:
        if bucket.counts == "concurrent":
            return self._held.get(bucket.key, 0)
        level, last, drain = self._levels.get(bucket.key, (0, now, bucket.drain))
        return maths.drained(level, last, now, drain)

    def _keep(self, bucket: Bucket, level: int, now: int) -> None:
        if bucket.counts == "concurrent":
            self._held[bucket.key] = level
        elif level:
            self._levels[bucket.key] = level, now, bucket.drain
            if len(self._levels) > self._sweep_at:
                self._sweep(now)
        else:
            self._levels.pop(bucket.key, None)

    def _sweep(self, now: int) -> None:
        kept = {
            key: state for key, state in self._levels.items() if maths.drained(state[0], state[1], now, state[2]) > 0
        }
        for key in list(kept)[: max(0, len(kept) - _COUNTERS_MAX)]:
            del kept[key]
        self._levels = kept
        self._sweep_at = max(_SWEEP_FROM, 2 * len(kept))


def _cost(bucket: Bucket, tokens: int) -> int:
    return bucket.unit * (tokens if bucket.counts == "tokens" else 1)


def _wait(bucket: Bucket, level: int, tokens: int) -> int:
    cost = _cost(bucket, tokens)
    if bucket.counts == "concurrent":
        return WAIT_FOR_PLACE if level + cost > bucket.most else 0
    return maths.wait(level, cost, bucket.drain, bucket.most) if cost else 0


def _standing(bucket: Bucket, level: int) -> tuple[int, int]:
    if bucket.counts == "concurrent":
        return max(0, bucket.most - level), 0
    return maths.standing(level, bucket.drain, bucket.unit, bucket.most)
