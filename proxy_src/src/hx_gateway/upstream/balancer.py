"""Spreads requests over the servers of the upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.errors import UpstreamError
from hx_gateway.log import event
from hx_gateway.message import BytesBody
from hx_gateway.upstream.checks import Checks
from hx_gateway.upstream.member import Member
from hx_gateway.upstream.retries import RetryBudget

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from multidict import CIMultiDict

    from hx_gateway.config.upstream import Upstream
    from hx_gateway.message import Body
    from hx_gateway.upstream.base import OriginClient, OriginState, UpstreamResponse


class Balancer:
    """A client of several servers that gives each request to the one with the least under way.

    Servers that fail their readiness checks, or whose circuit is open, get nothing, unless all are like that: a
    wrong verdict must not turn every request away. A request of which nothing reached a server is sent to another
    one, as long as the budget for that lasts. With one server there is nothing to choose, and nothing of this.
    """

    def __init__(self, clients: Sequence[OriginClient], config: Upstream) -> None:
        self.clients = clients
        self._members = [Member(client, config) for client in clients]
        self._by_address = {member.client.address: member for member in self._members}
        self._turn = 0
        self._budget = RetryBudget(config.retries.share)
        self._attempts = min(config.retries.attempts, len(clients))
        self.retries = 0
        several = len(clients) > 1 and config.checks.interval > 0
        self._checks = Checks(self._members, config) if several else None

    async def send(
        self, method: str, target: str, headers: CIMultiDict[str], body: Body, prefer: str = ""
    ) -> UpstreamResponse:
        """Send a request to the best server and return when the head of its answer is here."""
        if self._attempts == 1:
            return await self.choose(prefer, ()).send(method, target, headers, body)
        self._budget.earn()
        data = body.take()
        if data is not None:  # what was taken has to be kept for another try
            body = BytesBody(data)
        tried: list[Member] = []
        while True:
            member = self.choose(prefer, tried)
            tried.append(member)
            try:
                return await member.send(method, target, headers, body)
            except UpstreamError as error:
                if not error.unsent or len(tried) == self._attempts or not self._budget.spend():
                    raise
                self.retries += 1
                event("upstream_retry", upstream=error.upstream)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._checks is not None:
            await self._checks.aclose()
        for client in self.clients:
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


def _load(member: Member) -> float:
    return member.load
