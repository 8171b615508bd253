"""All connections of clients, with a bound on their number."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hx_gateway.addresses import TrustedProxies, network
from hx_gateway.errors import GatewayError, OverloadedError, TooManyConnectionsError
from hx_gateway.middlewares.request_id import new_id
from hx_gateway.server import answer
from hx_gateway.server.connection import REFUSAL, Connection
from hx_gateway.server.departures import Departures

if TYPE_CHECKING:
    from hx_gateway.config import Config
    from hx_gateway.server.exchange import Exchanges
    from hx_gateway.server.refusals import Refusals


class ConnectionServer:
    """Makes connections, and keeps them in view until their last byte is sent."""

    def __init__(self, exchanges: Exchanges, config: Config, refusals: Refusals) -> None:
        self._loop = asyncio.get_running_loop()
        self._refusals = refusals
        self.departures = Departures(self._loop)
        self.exchanges = exchanges
        self.open: dict[Connection, asyncio.Transport] = {}
        self.all_closed = asyncio.Event()
        """Set while there is no connection."""
        self.all_closed.set()
        self._counted: set[Connection] = set()
        self._per_client: dict[str, int] = {}
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Hold connections that are made from here on to the limits in `config`."""
        self.limits = config.limits
        self.keepalive = config.listen.keepalive_timeout
        self._trusted = TrustedProxies(config.forwarded.trusted_proxies)

    def __call__(self) -> Connection:
        """Return what the event loop asks for: the protocol of one connection."""
        return Connection(self, self._loop)

    def admit(self, connection: Connection) -> bool:
        """Note a connection that was just made, or refuse it; return whether it is served."""
        error = self._judge(connection.peer)
        if error is not None:
            self._turn_away(connection, error)
            return False
        assert connection.transport is not None  # noqa: S101 - it was just made
        self.open[connection] = connection.transport
        self.all_closed.clear()
        if self._is_counted(connection.peer):
            self._counted.add(connection)
            client = network(connection.peer)
            self._per_client[client] = self._per_client.get(client, 0) + 1
        return True

    def left(self, connection: Connection) -> None:
        """Forget a connection that is lost."""
        self.open.pop(connection, None)
        if connection in self._counted:
            self._counted.remove(connection)
            client = network(connection.peer)
            self._per_client[client] -= 1
            if not self._per_client[client]:
                del self._per_client[client]
        if not self.open:
            self.all_closed.set()

    def refuse(self, connection: Connection, error: GatewayError) -> None:
        """Answer `error` to what never became a request, and tell of it."""
        request_id = new_id()
        self._refusals.tell(error, connection.peer, request_id)
        answer.refuse(connection, error, request_id)

    async def shutdown(self, timeout: float) -> None:
        """Close every connection, and wait `timeout` seconds for their tasks."""
        tasks = [connection.task for connection in self.open if connection.task is not None]
        for connection in list(self.open):
            connection.close()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        self.departures.close()

    def _judge(self, peer: str) -> GatewayError | None:
        """Return why another connection of `peer` cannot be served; None if it can."""
        limits = self.limits
        if limits.connections and len(self.open) >= limits.connections:
            return OverloadedError()
        if self._is_counted(peer) and self._per_client.get(network(peer), 0) >= limits.connections_per_client:
            return TooManyConnectionsError()
        return None

    def _is_counted(self, peer: str) -> bool:
        return self.limits.connections_per_client > 0 and not self._trusted.include(peer)

    def _turn_away(self, connection: Connection, error: GatewayError) -> None:
        """Say why, and half-close, so that what the client is sending does not destroy the answer."""
        self.refuse(connection, error)
        transport = connection.transport
        if transport is not None:
            transport.write_eof()
            self._loop.call_later(REFUSAL, transport.close)
