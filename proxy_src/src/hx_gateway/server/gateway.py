"""The listening port: accepts connections, and drains."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hx_gateway.server.connections import ConnectionServer
from hx_gateway.server.exchange import Exchanges
from hx_gateway.server.transport import reset

if TYPE_CHECKING:
    from hx_gateway.config import Config
    from hx_gateway.middleware import Handler, ServiceState


class GatewayServer:
    """Accepts connections, runs each request through the pipeline, and drains."""

    def __init__(self, handler: Handler, config: Config, state: ServiceState) -> None:
        self._listen = config.listen
        self._state = state
        self._exchanges = Exchanges(handler, config, state)
        self._http = ConnectionServer(self._exchanges, config)
        self._listener: asyncio.Server | None = None

    @property
    def active(self) -> int:
        """Requests being handled."""
        return len(self._exchanges.active)

    async def start(self) -> tuple[str, int]:
        """Listen; return address and port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            self._http,
            self._listen.address,
            self._listen.port,
            backlog=self._listen.backlog,
            reuse_address=True,
        )
        address, port = self._listener.sockets[0].getsockname()[:2]
        return address, port

    async def drain(self, timeout: float, hurry: asyncio.Event) -> int:
        """Stop accepting, let requests in flight finish and their answers leave, then cut what is left.

        They have `timeout` seconds, less if `hurry` is set meanwhile. Returns how many connections were cut.
        """
        self._state.draining = True
        if self._listener is not None:
            self._listener.close()
        for _ in range(3):  # requests whose bytes are already read become active
            await asyncio.sleep(0)
        self._close_idle()
        cut = await self._finish_or_cut(timeout, hurry)
        await self._http.shutdown(0.1)
        return cut

    async def _finish_or_cut(self, timeout: float, hurry: asyncio.Event) -> int:
        connections = self._http.open
        if connections:
            ends = [asyncio.ensure_future(self._http.all_closed.wait()), asyncio.ensure_future(hurry.wait())]
            try:
                await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
        cut = list(connections.values())
        if cut:
            self._exchanges.cutting = True
            for transport in cut:  # losing its connection cancels a handler
                reset(transport)
            if self._exchanges.active:
                await asyncio.wait(self._exchanges.active, timeout=5)
        return len(cut)

    def _close_idle(self) -> None:
        busy = {id(raw.protocol) for raw in self._exchanges.active.values()}
        for connection in list(self._http.open):
            if id(connection) not in busy:
                connection.force_close()
