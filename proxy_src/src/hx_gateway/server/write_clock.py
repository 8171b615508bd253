"""Lets clients go that take nothing of what waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.log import event
from hx_gateway.server.transport import reset, unsent

if TYPE_CHECKING:
    import asyncio

_FIRST_LOOK = 1.0
"""Seconds until it is noted how much waits for a client that takes nothing."""


class WriteClock:
    """Watches a connection while something waits to be sent on it; `timeout` seconds without progress reset it."""

    __slots__ = ("_handle", "_loop", "_timeout")

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self._loop = loop
        self._timeout = timeout
        self._handle: asyncio.TimerHandle | None = None

    def watch(self, transport: asyncio.Transport | None) -> None:
        """Begin to watch, if anything waits."""
        if transport is None or self._handle is not None or not self._timeout:
            return
        if transport.get_write_buffer_size():
            self._handle = self._loop.call_later(_FIRST_LOOK, self._look, transport, 0)

    def stop(self) -> None:
        """Watch no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self, transport: asyncio.Transport, before: int) -> None:
        waiting = unsent(transport)
        if before and waiting >= before:
            event("client_stalled", bytes_unsent=waiting)
            self._handle = None
            reset(transport)
        else:
            self._handle = self._loop.call_later(self._timeout, self._look, transport, waiting)
