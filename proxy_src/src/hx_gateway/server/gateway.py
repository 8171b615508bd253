"""The listening port: accepts connections, and drains."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hx_gateway.listening import open_socket
from hx_gateway.server.connections import ConnectionServer
from hx_gateway.server.exchange import Exchanges
from hx_gateway.server.refusals import Refusals
from hx_gateway.server.transport import is_unread, reset

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

    from hx_gateway.config import Config
    from hx_gateway.middleware import Handler, ServiceState
    from hx_gateway.refusal import OnRefusal
    from hx_gateway.server.under_way import UnderWay


class GatewayServer:
    """Accepts connections, runs each request through the pipeline, and drains."""

    def __init__(
        self, handler: Handler, config: Config, state: ServiceState, on_refusal: Iterable[OnRefusal] = ()
    ) -> None:
        self._listen = config.listen
        self._state = state
        self._refusals = Refusals(on_refusal)
        self._exchanges = Exchanges(handler, config, state, self._refusals)
        self._http = ConnectionServer(self._exchanges, config, self._refusals)
        self._listeners: list[asyncio.Server] = []

    @property
    def active(self) -> int:
        """Requests being handled."""
        return len(self._exchanges.active)

    async def start(self, sockets: Sequence[socket.socket] = ()) -> tuple[str, int]:
        """Listen on `sockets`, or open one; return address and port of the first. Raises OSError."""
        loop = asyncio.get_running_loop()
        listen = self._listen
        for channel in sockets or [open_socket(listen.address, listen.port, listen.backlog)]:
            self._listeners.append(await loop.create_server(self._http, sock=channel, backlog=listen.backlog))
        name = self._listeners[0].sockets[0].getsockname()
        return (name[0], name[1]) if isinstance(name, tuple) else (name, 0)

    def configure(self, handler: Handler, config: Config, on_refusal: Iterable[OnRefusal]) -> UnderWay:
        """Serve what begins from here on with `handler` and the limits in `config`; return the requests under way."""
        self._refusals.configure(on_refusal)
        self._http.configure(config)
        return self._exchanges.configure(handler, config)

    async def drain(self, timeout: float, hurry: asyncio.Event, notice: float = 0) -> int:
        """Stop accepting, let requests in flight finish and their answers leave, then cut what is left.

        They have `timeout` seconds, less if `hurry` is set meanwhile. For `notice` seconds an idle connection is kept,
        so that the next answer on it can say `Connection: close`. Returns how many connections were cut.
        """
        self._state.draining = True
        for listener in self._listeners:
            listener.close()
        for _ in range(3):  # requests whose bytes are already read become active
            await asyncio.sleep(0)
        end = asyncio.get_running_loop().time() + timeout
        await self._wait(min(notice, timeout), hurry)
        self._close_idle()
        await self._wait(end - asyncio.get_running_loop().time(), hurry)
        cut = await self._cut()
        await self._http.shutdown(0.1)
        return cut

    async def _wait(self, seconds: float, hurry: asyncio.Event) -> None:
        """Wait until every connection is closed, `hurry` is set, or the time is over."""
        if self._http.open and seconds > 0:
            ends = [asyncio.ensure_future(self._http.all_closed.wait()), asyncio.ensure_future(hurry.wait())]
            try:
                await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()

    async def _cut(self) -> int:
        cut = list(self._http.open.values())
        if cut:
            self._exchanges.cutting = True
            for transport in cut:  # losing its connection cancels a handler
                reset(transport)
            tasks = [connection.task for connection in self._exchanges.active if connection.task is not None]
            if tasks:
                await asyncio.wait(tasks, timeout=5)
        return len(cut)

    def _close_idle(self) -> None:
        for connection, transport in list(self._http.open.items()):
            # a request that is here but not read would be answered by a reset
            if not connection.busy and not is_unread(transport):
                connection.close()
