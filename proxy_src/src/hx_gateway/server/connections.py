"""All connections of clients: aiohttp's low-level server, with a bound on their number."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from aiohttp import web

from hx_gateway.addresses import TrustedProxies
from hx_gateway.errors import JSON, GatewayError, OverloadedError, TooManyConnectionsError, error_body
from hx_gateway.log import event
from hx_gateway.server.connection import SERVER, Connection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.web_protocol import RequestHandler

    from hx_gateway.config import Config
    from hx_gateway.config.limits import Limits


class ConnectionServer(web.Server):
    """Makes connections, and keeps them in view until their last byte is sent."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], config: Config) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,  # a client that leaves cancels its upstream call, before the first byte too
            access_log=None,
            auto_decompress=False,  # bodies are passed on as they are
        )
        self.open: dict[RequestHandler, asyncio.Transport] = {}
        self.all_closed = asyncio.Event()
        """Set while there is no connection."""
        self._clients: dict[RequestHandler, str] = {}
        self._per_client: dict[str, int] = {}
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Hold connections that are made from here on to the limits in `config`."""
        self._limits: Limits = config.limits
        self._trusted = TrustedProxies(config.forwarded.trusted_proxies)
        self._kwargs["keepalive_timeout"] = config.listen.keepalive_timeout
        self._kwargs["max_headers"] = config.limits.headers_max

    def judge(self, transport: asyncio.BaseTransport) -> GatewayError | None:
        """Return why a connection that was just made cannot be served; None if it can."""
        limits = self._limits
        if limits.connections and len(self.open) >= limits.connections:
            return OverloadedError()
        if limits.connections_per_client:
            peer = _peer(transport)
            if self._per_client.get(peer, 0) >= limits.connections_per_client and not self._trusted.include(peer):
                return TooManyConnectionsError()
        return None

    def refuse(self, transport: asyncio.BaseTransport, error: GatewayError) -> None:
        """Say why, and half-close, so that what the client is sending does not destroy the answer."""
        event(error.code, client=_peer(transport))
        body = error_body(error, "")
        lines = [
            f"HTTP/1.1 {error.status} {type(error).__name__}",
            f"Content-Type: {JSON}",
            f"Content-Length: {len(body)}",
            f"Server: {SERVER}",
            *(f"{name}: {value}" for name, value in error.headers.items()),
            "Connection: close",
        ]
        writer = cast("asyncio.Transport", transport)
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        writer.write_eof()

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Note a connection."""
        super().connection_made(handler, transport)
        self.open[handler] = transport
        self.all_closed.clear()
        if self._limits.connections_per_client:
            peer = self._clients[handler] = _peer(transport)
            self._per_client[peer] = self._per_client.get(peer, 0) + 1

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        self.open.pop(handler, None)
        peer = self._clients.pop(handler, None)
        if peer is not None:
            self._per_client[peer] -= 1
            if not self._per_client[peer]:
                del self._per_client[peer]
        if not self.open:
            self.all_closed.set()

    def __call__(self) -> RequestHandler:
        """Return what the event loop asks for: the protocol of one connection."""
        return Connection(self, self._limits, loop=self._loop, **self._kwargs)


def _peer(transport: asyncio.BaseTransport) -> str:
    name = transport.get_extra_info("peername")
    return name[0] if isinstance(name, tuple) else ""
