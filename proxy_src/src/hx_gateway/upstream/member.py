"""One of the servers among which requests are spread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hx_gateway.errors import UpstreamError
from hx_gateway.log import event
from hx_gateway.upstream.base import OriginState
from hx_gateway.upstream.breaker import Breaker

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hx_gateway.config.upstream import Upstream
    from hx_gateway.message import Body
    from hx_gateway.upstream.base import OriginClient, UpstreamResponse

_LIGHTEST = 0.1
"""Share of the load that a server gets which has just recovered."""


class Member:
    """A client of one server, and what is known of the server's health."""

    __slots__ = (
        "_breaker",
        "_failures",
        "_over",
        "_recovered_at",
        "_requests",
        "_slow_start",
        "_time",
        "client",
        "healthy",
    )

    def __init__(self, client: OriginClient, config: Upstream) -> None:
        self._time = asyncio.get_running_loop().time
        self._breaker = Breaker(config.breaker.failures, config.breaker.pause, self._time)
        self._slow_start = config.slow_start
        self._recovered_at: float | None = None
        self._requests = 0
        self._failures = 0
        self._over = self._body_over
        self.client = client
        self.healthy = True

    @property
    def available(self) -> bool:
        """Whether the next request may go here."""
        return self.healthy and self._breaker.allows

    @property
    def load(self) -> float:
        """What one more request would make it carry; more for a server that has just recovered."""
        load = self.client.outstanding + 1
        return load if self._recovered_at is None else load / self._weight()

    def judge(self, *, healthy: bool) -> None:
        """Take a verdict of the readiness checks."""
        if healthy is not self.healthy:
            self.healthy = healthy
            event("upstream_healthy" if healthy else "upstream_unhealthy", upstream=self.client.address)
            if healthy:
                self._recover()

    async def send(self, method: str, target: str, headers: CIMultiDict[str], body: Body) -> UpstreamResponse:
        """Send a request, and learn from what becomes of it."""
        breaker = self._breaker
        trial = breaker.begin()
        self._requests += 1
        try:
            answer = await self.client.send(method, target, headers, body)
        except UpstreamError as error:
            error.upstream = self.client.address
            self._failures += 1
            if breaker.failure(trial):
                event("upstream_ejected", upstream=error.upstream)
            raise
        except BaseException:
            breaker.undecided(trial)
            raise
        if breaker.answered():
            event("upstream_recovered", upstream=self.client.address)
            self._recover()
        answer.watch(self._over)
        return answer

    def _body_over(self, whole: bool) -> None:
        """Learn from how an answer's body ended: one that broke off is a failure too, though the head had come."""
        if whole:
            self._breaker.whole()
            return
        self._failures += 1
        if self._breaker.failure(False):
            event("upstream_ejected", upstream=self.client.address)

    def state(self) -> OriginState:
        """Return what is known of the server."""
        return OriginState(
            self.client.address,
            self.client.outstanding,
            self._breaker.state,
            self.healthy,
            self._weight(),
            self._requests,
            self._failures,
            self._breaker.ejections,
        )

    def _recover(self) -> None:
        if self._slow_start:
            self._recovered_at = self._time()

    def _weight(self) -> float:
        if self._recovered_at is None:
            return 1.0
        share = (self._time() - self._recovered_at) / self._slow_start
        if share >= 1:
            self._recovered_at = None
        return min(max(share, _LIGHTEST), 1.0)
