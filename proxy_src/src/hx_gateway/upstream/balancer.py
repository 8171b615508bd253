"""Spreads requests over the servers of the upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hx_gateway.errors import UpstreamError
from hx_gateway.log import event
from hx_gateway.message import BytesBody
from hx_gateway.upstream.checks import Checks
from hx_gateway.upstream.hedging import Hedging
from hx_gateway.upstream.member import Member
from hx_gateway.upstream.retries import RetryBudget

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Sequence

    from multidict import CIMultiDict

    from hx_gateway.config.upstream import Upstream
    from hx_gateway.message import Body
    from hx_gateway.upstream.base import OriginClient, OriginState, UpstreamResponse


class Balancer:
    """A client of several servers that gives each request to the one with the least under way.

    Servers that fail their readiness checks, or whose circuit is open, get nothing, unless all are like that: a
    wrong verdict must not turn every request away. A request of which nothing reached a server is sent to another
    one, and one that is answered late to a second if it may, as long as the budget for that lasts. With one server
    there is nothing to choose, and nothing of this.
    """

    def __init__(
        self, clients: Sequence[OriginClient], config: Upstream, checkers: Sequence[OriginClient] = ()
    ) -> None:
        self.clients = clients
        self.checkers = checkers or clients
        self._members = [Member(client, config) for client in clients]
        self._by_address = {member.client.address: member for member in self._members}
        self._turn = 0
        self._budget = RetryBudget(config.retries.share)
        self._attempts = min(config.retries.attempts, len(clients))
        self._hedging = Hedging(config.hedging) if len(clients) > 1 and config.hedging.after else None
        self.retries = 0
        several = len(clients) > 1 and config.checks.interval > 0
        self._checks = Checks(self._members, self.checkers, config) if several else None

    async def send(
        self, method: str, target: str, headers: CIMultiDict[str], body: Body, prefer: str = "", model: str = ""
    ) -> UpstreamResponse:
        """Send a request to the best server and return when the head of its answer is here."""
        hedging = self._hedging
        if self._attempts == 1 and hedging is None:
            return await self.choose(prefer, ()).send(method, target, headers, body)
        self._budget.earn()
        data = body.take()
        if data is not None:  # what was taken has to be kept for another try
            body = BytesBody(data)
        first = self.choose(prefer, ())
        tried = [first]
        if data is None or hedging is None or not hedging.allows(method, target, model):
            return await self._try(first, tried, method, target, headers, body)

        def again() -> Coroutine[Any, Any, UpstreamResponse] | None:
            second = self._other(tried)
            if second is None or not self._budget.spend():
                return None
            tried.append(second)
            return self._try(second, tried, method, target, headers.copy(), body)

        return await hedging.race(self._try(first, tried, method, target, headers.copy(), body), again)

    @property
    def hedges(self) -> int:
        """Requests sent to a second server as well."""
        return self._hedging.sent if self._hedging is not None else 0

    @property
    def hedges_won(self) -> int:
        """Those of them that the second server answered first."""
        return self._hedging.won if self._hedging is not None else 0

    async def aclose(self) -> None:
        """Close every connection."""
        if self._checks is not None:
            await self._checks.aclose()
        for client in {*self.clients, *self.checkers}:
            await client.aclose()

    def snapshot(self) -> list[OriginState]:
        """Return what is known of each server, in the order of the configuration."""
        return [member.state() for member in self._members]

    def choose(self, prefer: str, tried: Collection[Member]) -> Member:
        """Return the server for a request: the preferred one if it is well, else the one with the least to do."""
        members = self._members
        if len(members) == 1:
            return members[0]
        if prefer and not tried:
            preferred = self._by_address.get(prefer)
            if preferred is not None and preferred.available:
                return preferred
        self._turn = turn = (self._turn + 1) % len(members)  # equals take turns
        untried = [member for member in members[turn:] + members[:turn] if member not in tried]
        available = [member for member in untried if member.available]
        return min(available or untried, key=_load)

    async def _try(
        self, member: Member, tried: list[Member], method: str, target: str, headers: CIMultiDict[str], body: Body
    ) -> UpstreamResponse:
        """Send a request to `member`, and on to others where nothing of it has reached one; note them in `tried`."""
        while True:
            try:
                return await member.send(method, target, headers, body)
            except UpstreamError as error:
                if not error.unsent or len(tried) >= self._attempts or not self._budget.spend():
                    raise
                self.retries += 1
                event("upstream_retry", upstream=error.upstream)
            member = self.choose("", tried)
            tried.append(member)

    def _other(self, tried: Collection[Member]) -> Member | None:
        """Return a server that is well and has not been tried."""
        if len(tried) == len(self._members):
            return None
        member = self.choose("", tried)
        return member if member.available else None


def _load(member: Member) -> float:
    return member.load
