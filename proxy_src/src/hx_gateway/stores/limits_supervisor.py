"""Limits in the supervisor's memory: exact across the workers of one gateway that has no Redis."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

import orjson

from hx_gateway.log import event
from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.limits_base import Verdict

if TYPE_CHECKING:
    from hx_gateway.stores.limits_base import Plan

_PATIENCE = 0.5
"""Seconds after which a supervisor that says nothing counts as away; twice as much at most."""

_PAUSE = 0.5
"""Seconds between attempts to reach it."""


class SupervisorLimits:
    """One connection for all requests. While there is none, `take` raises StoreUnavailableError."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._link: _Link | None = _Link()
        self._task = asyncio.get_running_loop().create_task(self._keep(self._link), name="limits")

    async def take(self, plan: Plan, tokens: int, holder: str) -> Verdict:
        """Use what the request needs, or nothing. Raises StoreUnavailableError."""
        if self._link is None:
            raise StoreUnavailableError("the supervisor does not answer")
        return await self._link.take(plan, tokens, holder)

    def settle(self, plan: Plan, tokens: int, holder: str) -> None:
        """Correct the tokens and free the places; without a connection the supervisor has freed them."""
        if self._link is not None:
            self._link.settle(plan, tokens, holder)

    async def aclose(self) -> None:
        """Hang up."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if self._link is not None:
            self._link.close()

    async def _keep(self, first: _Link) -> None:
        link, said = first, False
        while True:
            try:
                await asyncio.get_running_loop().create_unix_connection(partial(_same, link), self._path)
                self._link = link
                if said:
                    event("limits_shared")
                said = False
                await link.lost.wait()
            except OSError:
                link.fail()
            self._link = None
            if not said:
                said = True
                event("limits_not_shared", logging.WARNING)
            await asyncio.sleep(_PAUSE)
            link = _Link()


def _same(link: _Link) -> _Link:
    return link


class _Link(asyncio.Protocol):
    """A connection; what is asked before it is made goes out with it."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[Verdict], Plan, int, str]] = deque()
        self._rest = b""
        self._watch: asyncio.TimerHandle | None = None
        self._answered = 0

    async def take(self, plan: Plan, tokens: int, holder: str) -> Verdict:
        waiter: asyncio.Future[Verdict] = self._loop.create_future()
        self._waiting.append((waiter, plan, tokens, holder))
        self._send(b"t", plan, tokens, holder)
        if self._watch is None:
            self._watch = self._loop.call_later(_PATIENCE, self._look, self._answered)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # the answer came with the cancellation
                self._return(waiter.result(), plan, tokens, holder)
            raise

    def settle(self, plan: Plan, tokens: int, holder: str) -> None:
        self._send(b"s", plan, tokens, holder)

    def _return(self, verdict: Verdict, plan: Plan, tokens: int, holder: str) -> None:
        """Give back what was used for a caller that has left."""
        if verdict.refused < 0 and (tokens or holder):
            self.settle(plan, -tokens, holder)

    def _send(self, kind: bytes, plan: Plan, tokens: int, holder: str) -> None:
        line = b"%b %d %b %b\n" % (kind, tokens, holder.encode() or b"-", orjson.dumps((plan.keys, plan.arguments)))
        if self._transport is None:
            self._early.append(line)
        else:
            self._transport.write(line)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"".join(self._early))
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._answered += len(lines)
        for line in lines:
            waiter, plan, tokens, holder = self._waiting.popleft()
            verdict = Verdict(*orjson.loads(line))
            if waiter.done():
                self._return(verdict, plan, tokens, holder)
            else:
                waiter.set_result(verdict)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self.fail()

    def fail(self) -> None:
        """Let nobody wait."""
        self.close()
        for waiter, *_ in self._waiting:
            if not waiter.done():
                waiter.set_exception(StoreUnavailableError("the supervisor does not answer"))
        self._waiting.clear()
        self.lost.set()

    def close(self) -> None:
        """Hang up."""
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _look(self, answered: int) -> None:
        """Hang up if nothing was answered since the last look, although somebody waits."""
        self._watch = None
        if self._waiting:
            if self._answered == answered:
                self.fail()
            else:
                self._watch = self._loop.call_later(_PATIENCE, self._look, self._answered)
