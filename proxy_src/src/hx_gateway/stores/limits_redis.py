"""Limits in Redis: exact across all gateways that share the server."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from hx_gateway.stores.errors import StoreReplyError, StoreTimeoutError
from hx_gateway.stores.limits_base import Verdict
from hx_gateway.stores.limits_lua import RENEW, SETTLE, TAKE
from hx_gateway.stores.script import pack_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hx_gateway.stores.limits_base import Plan
    from hx_gateway.stores.redis import Redis

_AT_ONCE = 500
"""Keys of one script: the server does nothing else meanwhile."""


class RedisLimits:
    """Counts by one script a request. What is settled is gathered until the next commands leave, and not waited for.

    A place in a `concurrent` limit is held for `lease` seconds and renewed until it is freed, so that a gateway that
    dies takes none with it, and a Redis that lost its memory learns again who is there.
    """

    def __init__(self, redis: Redis, lease: float) -> None:
        self._redis = redis
        self._lease = round(lease * 1000)
        self._changes: dict[str, tuple[int, int]] = {}
        """Counter to its drain and the change of its level that is to be sent."""
        self._freed: list[tuple[str, str]] = []
        """Counter and holder of each place that is to be freed."""
        self._deferred = False
        """`flush` will be called."""
        self._held: dict[str, Plan] = {}
        self._renewal: asyncio.TimerHandle | None = None

    def ask(self, plan: Plan, tokens: int, holder: str) -> asyncio.Future[Any]:
        """Begin to take; to be given to `take` or to `return_unused`. Raises StoreUnavailableError."""
        if self._changes or self._freed:
            self.flush()  # what was settled before counts before
        start = plan.packed
        if not start:
            start = plan.packed = pack_start(
                2, "EVALSHA", TAKE.sha, len(plan.keys), *plan.keys, self._lease, *plan.arguments
            )
        rest = f"${len(str(tokens))}\r\n{tokens}\r\n${len(holder)}\r\n{holder}\r\n"
        return self._redis.send(start + rest.encode())

    async def take(self, plan: Plan, tokens: int, holder: str, asked: asyncio.Future[Any] | None = None) -> Verdict:
        """Use what the request needs, or nothing, in one round trip; `asked` is what `ask` may have returned before."""
        if asked is None:
            asked = self.ask(plan, tokens, holder)
        try:
            try:
                reply = await asked
            except StoreReplyError as error:
                arguments: tuple[str | int, ...] = (self._lease, *plan.arguments, tokens, holder)
                reply = await self._redis.teach(error, TAKE, plan.keys, arguments)
        except asyncio.CancelledError:
            self.return_unused(plan, tokens, holder, asked)
            raise
        except StoreTimeoutError:
            self._free(plan, holder)  # the script may have run
            raise
        if holder and reply[0] < 0:
            self._held[holder] = plan
            if self._renewal is None:
                self._renew_later()
        return Verdict(reply[0], reply[1], reply[2::2], reply[3::2])

    def return_unused(self, plan: Plan, tokens: int, holder: str, asked: asyncio.Future[Any]) -> None:
        """Give back what was asked for by a request that ended before it used it; the request itself stays counted."""
        self._free(plan, holder)  # runs behind what was asked for
        if asked.cancelled():  # which stops nothing that was sent
            self._redis.inherit(asked, partial(self._replied, plan, tokens))
        else:
            asked.add_done_callback(partial(self._returned, plan, tokens))

    def settle(self, plan: Plan, tokens: int, holder: str) -> None:
        """Correct the tokens and free the places."""
        if tokens:
            changes, buckets = self._changes, plan.buckets
            for index in plan.tokens:
                _, _, key, _, drain, unit, _ = buckets[index]
                before = changes.get(key)
                changes[key] = drain, tokens * unit + (before[1] if before is not None else 0)
        if holder:
            self._held.pop(holder, None)
            self._free(plan, holder)
        elif not self._deferred:
            self._defer()

    def flush(self) -> None:
        """Post what was settled."""
        self._deferred = False
        changes, self._changes = iter(self._changes.items()), {}
        freed, self._freed = iter(self._freed), []
        while True:
            levels = list(islice(changes, _AT_ONCE))
            places = list(islice(freed, _AT_ONCE - len(levels)))
            if not (levels or places):
                return
            keys = [key for key, _ in levels] + [key for key, _ in places]
            values = [value for _, pair in levels for value in pair]
            self._redis.post_script(SETTLE, keys, [len(levels), *values, *[holder for _, holder in places]])

    def close(self) -> None:
        """Send what is left and stop renewing."""
        self.flush()
        if self._renewal is not None:
            self._renewal.cancel()

    def _free(self, plan: Plan, holder: str) -> None:
        for index in plan.concurrent:
            self._freed.append((plan.keys[index], holder))
        if not self._deferred:
            self._defer()

    def _defer(self) -> None:
        self._deferred = True
        self._redis.defer(self.flush)

    def _returned(self, plan: Plan, tokens: int, asked: asyncio.Future[Any]) -> None:
        if not asked.cancelled() and asked.exception() is None:
            self._replied(plan, tokens, asked.result())

    def _replied(self, plan: Plan, tokens: int, reply: Any) -> None:
        if not isinstance(reply, StoreReplyError) and reply[0] < 0:
            self.settle(plan, -tokens, "")

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
