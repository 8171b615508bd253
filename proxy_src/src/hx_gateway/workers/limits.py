"""The supervisor's part in limits: it counts for all workers, so that together they allow what one would.

Lines over a unix socket, answered in their order; only the first kind has an answer, a line of JSON:

    t TOKENS HOLDER [[KEYS], [ARGUMENTS]]      take
    s TOKENS HOLDER [[KEYS], [ARGUMENTS]]      settle
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import orjson

from hx_gateway.stores.limits_base import Bucket, Plan
from hx_gateway.stores.limits_memory import MemoryLimits

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from hx_gateway.config.rate_limits import Count

_COUNTS: Final[dict[str, Count]] = {"r": "requests", "t": "tokens", "c": "concurrent"}

_PLANS_MAX: Final = 8192
"""Plans that are remembered in the words in which they came."""


class _Book:
    """What all connections share."""

    def __init__(self) -> None:
        self.limits = MemoryLimits()
        self._plans: dict[bytes, Plan] = {}

    def plan(self, words: bytes) -> Plan:
        """Return the plan that a worker describes."""
        plan = self._plans.get(words)
        if plan is None:
            if len(self._plans) >= _PLANS_MAX:
                del self._plans[next(iter(self._plans))]
            keys, said = orjson.loads(words)
            buckets = [
                Bucket("", _COUNTS[said[at]], key, 0, *(int(number) for number in said[at + 1 : at + 4]))
                for at, key in zip(range(0, len(said), 4), keys, strict=True)
            ]
            plan = self._plans[words] = Plan(buckets)
        return plan


class _Worker(asyncio.Protocol):
    """A worker's connection; with it go the places that its requests had."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self._held: dict[bytes, Plan] = {}
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        for plan in self._held.values():
            self._book.limits.free(plan)
        self._held.clear()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        answers = [orjson.dumps(verdict) for line in lines if (verdict := self._done(line)) is not None]
        if answers:
            self._transport.write(b"\n".join([*answers, b""]))

    def _done(self, line: bytes) -> tuple[object, ...] | None:
        kind, tokens, holder, words = line.split(b" ", 3)
        plan, limits = self._book.plan(words), self._book.limits
        if kind == b"t":
            verdict = limits.use(plan, int(tokens))
            if verdict.refused < 0 and plan.concurrent:
                self._held[holder] = plan
            return tuple(verdict)
        limits.spend(plan, int(tokens))
        held = self._held.pop(holder, None)
        if held is not None:  # else it had its place on a connection that broke
            limits.free(held)
        return None


async def open_limits(path: str, lifespan: AsyncExitStack) -> None:
    """Count for who connects to `path`, until `lifespan` ends. Raises OSError."""
    book = _Book()
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Worker(book), path)
    lifespan.callback(server.close)
