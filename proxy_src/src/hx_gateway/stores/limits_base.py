"""What a store of limits is asked, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.config.rate_limits import Count


class Bucket(NamedTuple):
    """One counter: what one limit allows to one key, model or client.

    It is a leaky bucket: `unit` flows in for each that is counted, `drain` flows out each millisecond, and it holds
    `most`. All are whole numbers, so that no rounding ever adds up. `concurrent` fills by 1 and does not drain.
    """

    name: str
    """The limit's."""
    counts: Count
    key: str
    """The counter's, the same in every gateway."""
    amount: int
    """What clients are told that the limit is."""
    drain: int
    unit: int
    most: int


class Plan:
    """All counters that one request must pass."""

    __slots__ = ("amounts", "arguments", "buckets", "concurrent", "keys", "packed", "requests", "tokens")

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        self.buckets = tuple(buckets)
        self.keys = tuple(bucket.key for bucket in buckets)
        self.amounts = tuple(str(bucket.amount) for bucket in buckets)
        """What clients are told that each limit is."""
        self.arguments = tuple(
            str(part) for bucket in buckets for part in (bucket.counts[0], bucket.drain, bucket.unit, bucket.most)
        )
        """What a script has to know of the buckets, four to each."""
        self.requests = tuple(index for index, bucket in enumerate(buckets) if bucket.counts == "requests")
        """Places of the buckets that count requests."""
        self.tokens = tuple(index for index, bucket in enumerate(buckets) if bucket.counts == "tokens")
        self.concurrent = tuple(index for index, bucket in enumerate(buckets) if bucket.counts == "concurrent")
        self.packed = b""
        """What the store that counts keeps of it: the command, as far as it is always the same."""


class Verdict(NamedTuple):
    """Whether a request may go on. If not, it has used nothing of any bucket."""

    refused: int
    """Place of the bucket that refuses, of several the one to wait longest for; -1 if all let it pass."""
    wait: int
    """Milliseconds after which it would let the request pass."""
    remaining: list[int]
    """What could be used at once of each bucket of the plan."""
    reset: list[int]
    """Milliseconds until each is empty again."""

    @property
    def standings(self) -> list[tuple[int, int]]:
        """Both together, bucket by bucket."""
        return list(zip(self.remaining, self.reset, strict=True))


class Limiter(Protocol):
    """Counts what requests use."""

    async def take(self, plan: Plan, tokens: int, holder: str) -> Verdict:
        """Use a request, `tokens` and a place of every bucket in `plan`, or nothing if one has not enough.

        `holder` names who has the place in those that count concurrent requests. Raises StoreError.
        """

    def settle(self, plan: Plan, tokens: int, holder: str) -> None:
        """Use `tokens` more, or fewer if negative, whatever is left, and free the places. Does not wait."""


WAIT_FOR_PLACE = 1000
"""Milliseconds to wait for a place: nobody knows when one of those who have one will have finished."""
