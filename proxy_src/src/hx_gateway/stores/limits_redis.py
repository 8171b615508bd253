"""Limits in Redis: exact across all gateways that share the server."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from hx_gateway.stores.errors import StoreTimeoutError
from hx_gateway.stores.limits_base import Verdict
from hx_gateway.stores.limits_lua import RENEW, SETTLE, TAKE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hx_gateway.stores.limits_base import Plan
    from hx_gateway.stores.redis import Redis

_AT_ONCE = 500
"""Keys of one script: the server does nothing else meanwhile."""


class RedisLimits:
    """Counts by one script a request. Corrections of a loop turn go out together and are not waited for.

    A place in a `concurrent` limit is held for `lease` seconds and renewed until it is freed, so that a gateway that
    dies takes none with it, and a Redis that lost its memory learns again who is there.
    """

    def __init__(self, redis: Redis, lease: float) -> None:
        self._redis = redis
        self._lease = round(lease * 1000)
        self._changes: dict[str, tuple[int, int]] = {}
        """Counter to its drain and the change of its level that is to be sent."""
        self._held: dict[str, Plan] = {}
        self._renewal: asyncio.TimerHandle | None = None

    async def take(self, plan: Plan, tokens: int, holder: str) -> Verdict:
        """Use what the request needs, or nothing, in one round trip."""
        if self._changes:
            self.flush()  # what was settled before counts before
        try:
            reply = await self._redis.script(TAKE, plan.keys, (tokens, holder, self._lease, *plan.arguments))
        except (asyncio.CancelledError, StoreTimeoutError):
            self._free(plan, holder)  # the script may have run
            raise
        if holder and reply[0] < 0:
            self._held[holder] = plan
            if self._renewal is None:
                self._renew_later()
        return Verdict(reply[0], reply[1], reply[2::2], reply[3::2])

    def settle(self, plan: Plan, tokens: int, holder: str) -> None:
        """Correct the tokens and free the places."""
        if tokens:
            if not self._changes:
                asyncio.get_running_loop().call_soon(self.flush)
            for index in plan.tokens:
                bucket = plan.buckets[index]
                _, change = self._changes.get(bucket.key, (0, 0))
                self._changes[bucket.key] = bucket.drain, change + tokens * bucket.unit
        if holder:
            self._held.pop(holder, None)
            self._free(plan, holder)

    def flush(self) -> None:
        """Send what was settled."""
        changes, self._changes = self._changes, {}
        items = iter(changes.items())
        while part := list(islice(items, _AT_ONCE)):
            self._redis.post_script(SETTLE, [key for key, _ in part], [value for _, pair in part for value in pair])

    def close(self) -> None:
        """Send what is left and stop renewing."""
        self.flush()
        if self._renewal is not None:
            self._renewal.cancel()

    def _free(self, plan: Plan, holder: str) -> None:
        for index in plan.concurrent:
            self._redis.post("ZREM", plan.keys[index], holder)

    def _renew_later(self) -> None:
        self._renewal = asyncio.get_running_loop().call_later(self._lease / 3000, self._renew)

    def _renew(self) -> None:
        self._renewal = None
        pairs = self._places()
        while part := list(islice(pairs, _AT_ONCE)):
            self._redis.post_script(RENEW, [key for key, _ in part], [self._lease, *(holder for _, holder in part)])
        if self._held:
            self._renew_later()

    def _places(self) -> Iterator[tuple[str, str]]:
        for holder, plan in self._held.items():
            for index in plan.concurrent:
                yield plan.keys[index], holder
