"""The fast upstream client: pooled HTTP/1.1 on the event loop's protocols and aiohttp's C parser."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from yarl import URL

from hx_gateway.clock import earlier
from hx_gateway.errors import UpstreamBrokenError
from hx_gateway.upstream.exchange import Exchange
from hx_gateway.upstream.framing import joined, serialize_head, upload
from hx_gateway.upstream.origin import address
from hx_gateway.upstream.pool import Pool
from hx_gateway.upstream.routes import timeouts_by_route

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hx_gateway.config.upstream import Timeouts, Upstream
    from hx_gateway.message import Body
    from hx_gateway.upstream.connection import Connection


class FastUpstream:
    """Pooled HTTP/1.1 connections to one origin. Make it inside a running loop.

    A request whose body is here takes no task and no timer of its own; one whose body is still coming takes a task
    that sends it.
    """

    def __init__(self, config: Upstream, url: str = "") -> None:
        url = url or config.url
        origin = URL(url)
        assert origin.raw_host is not None and origin.port is not None  # noqa: S101, PT018 - config has checked it
        self._loop = asyncio.get_running_loop()
        self._host = origin.host_port_subcomponent or ""
        self._timeouts = timeouts_by_route(config)
        self.address = address(url)
        self._pool = Pool(
            origin.raw_host,
            origin.port,
            _tls() if origin.scheme == "https" else None,
            limit=config.max_connections,
            keepalive=config.keepalive_timeout,
            max_age=config.connection_max_age,
        )

    @property
    def outstanding(self) -> int:
        """Requests under way."""
        return self._pool.busy

    async def send(
        self,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        body: Body,
        prefer: str = "",  # noqa: ARG002 - there is only one
    ) -> Exchange:
        """Send a request and return when the head of its answer is here."""
        timeouts = self._timeouts(target)
        deadline = self._loop.time() + timeouts.total if timeouts.total else None
        data = body.take()
        if data is None and body.length == 0:
            data = b""
        try:
            head = serialize_head(method, target, self._host, headers, body.length if data is None else len(data))
        except ValueError as error:
            raise UpstreamBrokenError from error
        connection = self._pool.take()
        if connection is None:
            connection = await self._connect(timeouts, deadline, whole=data is not None)
        exchange = Exchange(self._loop, connection, self.address, timeouts.between_bytes, deadline)
        if data is None:
            connection.begin(exchange, method, [head], whole=False)
            exchange.upload = self._loop.create_task(upload(exchange, body, timeouts.first_byte))
            await exchange.head()
            return exchange
        try:
            await self._ask(exchange, connection, method, joined(head, data), timeouts)
        except UpstreamBrokenError as error:
            if not error.unsent:
                raise
            connection = await self._connect(timeouts, deadline, whole=True)
            exchange = Exchange(self._loop, connection, self.address, timeouts.between_bytes, deadline)
            await self._ask(exchange, connection, method, joined(head, data), timeouts)
        return exchange

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _ask(
        self, exchange: Exchange, connection: Connection, method: str, data: list[bytes], timeouts: Timeouts
    ) -> None:
        connection.begin(exchange, method, data, whole=True)
        until = self._loop.time() + timeouts.first_byte if timeouts.first_byte else None
        connection.clock.run_until(earlier(until, exchange.deadline))
        await exchange.head()

    async def _connect(self, timeouts: Timeouts, deadline: float | None, *, whole: bool) -> Connection:
        """Make a connection. Waiting for a free one counts as waiting for the answer, once the client has sent all."""
        wait = timeouts.first_byte or None if whole else None
        return await self._pool.connect(timeouts.connect, wait, deadline)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
