"""The mathematics of one counter, in whole numbers (GCRA as a leaky bucket, ITU-T I.371 annex A)."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

HIGHEST = 1 << 52
"""A level above this is cut: beyond 2**53 Lua's numbers are not exact."""


class Rate(NamedTuple):
    """How a bucket fills and drains; see `limits_base.Bucket`."""

    drain: int
    unit: int
    most: int


def rate(amount: int, window: int, burst: int) -> Rate:
    """Return the rate at which `amount` comes back in `window` milliseconds, `burst` of it (0: all) at once."""
    divisor = gcd(amount, window)
    unit = window // divisor
    return Rate(amount // divisor, unit, (burst or amount) * unit)


def drained(level: int, last: int, now: int, drain: int) -> int:
    """Return the level at `now` of a bucket that had `level` at `last`; time that runs backwards drains nothing."""
    return max(0, level - drain * max(0, now - last))


def wait(level: int, cost: int, drain: int, most: int) -> int:
    """Return the milliseconds until `cost` fits into the bucket; 0 if it does."""
    return max(0, -((most - level - cost) // drain))


def standing(level: int, drain: int, unit: int, most: int) -> tuple[int, int]:
    """Return how many units still fit, and the milliseconds until the bucket is empty."""
    return max(0, (most - level) // unit), -(-level // drain)


def settled(level: int, change: int) -> int:
    """Return the level after a correction."""
    return min(HIGHEST, max(0, level + change))
