"""Bounds what one client address may have under way."""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final

from hx_gateway.addresses import network
from hx_gateway.errors import TooManyStreamsError
from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.limits_base import Bucket, Plan

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Services
    from hx_gateway.outcome import Outcome
    from hx_gateway.stores.limits_supervisor import SupervisorLimits

NAME: Final = "streams_per_client"
"""What refuses, as the outcome names it."""


class ClientLimits:
    """Allows a client so many requests at a time, streams among them, in this process; 0: any number."""

    def __init__(self, streams_per_client: int) -> None:
        self._most = streams_per_client
        self._active: dict[str, int] = {}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Count the request until its last byte was sent, or raise TooManyStreamsError."""
        if self._most:
            client = network(request.client)
            active = self._active.get(client, 0)
            if active >= self._most:
                request.outcome.limit = NAME
                raise TooManyStreamsError
            self._active[client] = active + 1

            def release(_: Outcome) -> None:
                left = self._active[client] - 1
                if left:
                    self._active[client] = left
                else:
                    del self._active[client]

            request.on_finish(release)
        return await call_next(request)


class WorkersClientLimits(ClientLimits):
    """Counts for all workers of the gateway; in this process alone while their supervisor does not answer."""

    def __init__(self, streams_per_client: int, workers: SupervisorLimits) -> None:
        super().__init__(streams_per_client)
        self._workers = workers
        self._holders = (f"client.{number:x}" for number in count())

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Count the request until its last byte was sent, or raise TooManyStreamsError."""
        plan, holder = _plan(network(request.client), self._most), next(self._holders)
        try:
            verdict = await self._workers.take(plan, 0, holder)
        except StoreUnavailableError:
            return await super().__call__(request, call_next)
        if verdict.refused >= 0:
            request.outcome.limit = NAME
            raise TooManyStreamsError

        def release(_: Outcome) -> None:
            self._workers.settle(plan, 0, holder)

        request.on_finish(release)
        return await call_next(request)


@lru_cache(maxsize=4096)
def _plan(client: str, most: int) -> Plan:
    return Plan([Bucket(NAME, "concurrent", f"hx:client:{client}", most, 0, 1, most)])


def make_client_limits(services: Services) -> ClientLimits:
    """Return the middleware, for all workers where there are several."""
    most, workers = services.config.limits.streams_per_client, services.workers
    return WorkersClientLimits(most, workers) if most and workers is not None else ClientLimits(most)
