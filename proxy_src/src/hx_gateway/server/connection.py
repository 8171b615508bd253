"""One connection of a client: a protocol of the event loop, and a task that answers its requests in order."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

from hx_gateway.clock import Clock
from hx_gateway.errors import GatewayError
from hx_gateway.log import event
from hx_gateway.server.intake import QUEUE_MAX, Intake
from hx_gateway.server.write_clock import WriteClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.streams import StreamReader

    from hx_gateway.server.connections import ConnectionServer

REFUSAL = 1.0
"""Seconds in which a refused client can read why."""

_LINGER = 10.0
"""Seconds in which the rest of a body that nobody reads is taken, so that the client sees the answer."""


class Connection(asyncio.Protocol):
    """Answers one request after the other, until the client, an answer or a drain ends it."""

    __slots__ = (
        "_clock",
        "_departing",
        "_drained",
        "_half_closed",
        "_intake",
        "_loop",
        "_on_writable",
        "_queue_full",
        "_reading_paused",
        "_server",
        "_waiter",
        "_write_clock",
        "busy",
        "peer",
        "task",
        "transport",
        "writing_paused",
    )

    def __init__(self, server: ConnectionServer, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._server = server
        self._clock = Clock(loop, self._time_is_up)
        self._intake = Intake(self, loop, self._clock, server.limits)
        self._write_clock = WriteClock(loop, server.limits.write_timeout)
        self._waiter: asyncio.Future[None] | None = None
        """What the task waits for while there is no request."""
        self._drained: asyncio.Future[None] | None = None
        self._on_writable: Callable[[], None] | None = None
        self._reading_paused = False
        self._queue_full = False
        self._departing: int | None = None
        """What the server's departures know it by, once nothing was read from it."""
        self._half_closed = False
        """The client has said that nothing follows what is not read yet."""
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self.peer = ""
        """Address of the client."""
        self.busy = False
        """A request is being answered."""
        self.writing_paused = False

    # what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the connection, or refuse it if there are too many."""
        self.transport = transport  # type: ignore[assignment]  # a stream's
        name = transport.get_extra_info("peername")
        self.peer = name[0] if isinstance(name, tuple) else ""
        channel = transport.get_extra_info("socket")
        if channel is not None:  # a client that vanished is noticed in the end
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._server.admit(self):
            self._idle()
            self.task = self._loop.create_task(self._serve())
        else:
            self._intake.close()

    def data_received(self, data: bytes) -> None:
        """Take what a client sends."""
        intake = self._intake
        intake.feed(data)
        if intake.queue:
            self._wake()
            if len(intake.queue) >= QUEUE_MAX and not self._queue_full:
                self._queue_full = True
                self._read_or_not()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - lost is lost
        """End what is under way: its client has left."""
        self.transport = None
        if self._departing is not None:
            self._server.departures.forget(self._departing)
        self._clock.stop()
        self._write_clock.stop()
        self._intake.close()
        self._server.left(self)
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        """Start to watch a client that does not take what is sent."""
        self.writing_paused = True
        self._write_clock.watch(self.transport)

    def resume_writing(self) -> None:
        """Let who writes go on."""
        self.writing_paused = False
        self._write_clock.stop()
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
        if self._on_writable is not None:
            self._on_writable()

    # what the stream of a body asks (aiohttp's BaseProtocol)

    @property
    def connected(self) -> bool:
        """Whether more may come."""
        return self.transport is not None

    def pause_reading(self) -> None:
        """Stop reading: whoever reads the body takes its time."""
        self._reading_paused = True
        self._read_or_not()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: ARG002 - the parser itself never pauses here
        """Read on."""
        if self._reading_paused:
            self._reading_paused = False
            self._read_or_not()

    # what an answer asks

    async def drained(self) -> None:
        """Wait until the client takes what was written. Cancelled when the connection is lost."""
        if self.writing_paused and self.transport is not None:
            self._drained = self._loop.create_future()
            await self._drained

    def is_streaming(self) -> None:
        """Know that the answer under way may take long, and keep nothing that it does not need."""
        self._intake.rest()
        self._clock.rest()

    def when_writable(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` whenever there is room to write again, instead of what was said before."""
        self._on_writable = callback

    def close(self) -> None:
        """Close the connection; what still has to be sent must be taken in time."""
        self._intake.close()
        self._clock.stop()
        transport = self.transport
        if transport is not None and not transport.is_closing():
            self._write_clock.watch(transport)
            transport.close()

    # within

    async def _serve(self) -> None:
        """Answer requests until one is the last."""
        try:
            while await self._serve_next():
                pass
        except asyncio.CancelledError:
            raise
        except Exception:
            event("unexpected_error", logging.ERROR, exc_info=True)
        finally:
            self.close()
            # an exception that ends it refers to this frame, and the task to the exception
            self.task = None

    async def _serve_next(self) -> bool:
        """Answer the next request; return whether another may follow."""
        intake = self._intake
        if not intake.queue:
            if not intake.in_head:
                self._idle()
            self._waiter = self._loop.create_future()
            await self._waiter
        message, content = intake.next()
        if self._queue_full:
            self._take_more()
        if isinstance(message, GatewayError):
            self._server.refuse(self, message)
            await self._let_read()
            return False
        exchange = self._server.exchanges(self, message, content)
        arriving = None if isinstance(content, bytes) else content
        del message, content  # which it lets go of as soon as it can
        goes_on = await exchange
        return (arriving is None or arriving.is_eof() or await self._rest(arriving)) and goes_on

    async def _let_read(self) -> None:
        """Half-close and wait a moment: what the client is still sending would destroy the answer."""
        if self.transport is not None:
            self.transport.write_eof()
            await asyncio.sleep(REFUSAL)

    async def _rest(self, content: StreamReader) -> bool:
        """Take the rest of a body that nobody wanted; return whether it came to its end."""
        if self._intake.deaf:
            return False
        try:
            async with asyncio.timeout(_LINGER):
                await asyncio.sleep(0)  # the upload, which the answer has ended, lets go of it
                while not content.is_eof():
                    await content.readany()
        except (TimeoutError, Exception):  # broken, or endless
            return False
        return True

    def _take_more(self) -> None:
        """Parse what waits behind a queue that was full, and read on."""
        if len(self._intake.queue) <= QUEUE_MAX // 2:
            self._queue_full = False
            self.data_received(b"")
            self._read_or_not()

    def _read_or_not(self) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._reading_paused or self._queue_full:
            transport.pause_reading()
            if self._departing is None:
                self._departing = self._server.departures.watch(transport, self._departs)
            elif self._half_closed:
                self._departs(reset=False)
        else:
            transport.resume_reading()

    def _departs(self, reset: bool) -> None:
        """Close the connection, as the event loop does where it reads that a client has left.

        Requests that wait behind a full queue were sent by a client that may still read their answers.
        """
        self._half_closed = True
        transport = self.transport
        if transport is None:
            return
        if reset:
            transport.abort()
        elif self._reading_paused:
            transport.close()

    def _idle(self) -> None:
        keepalive = self._server.keepalive
        self._clock.run_until(self._loop.time() + keepalive if keepalive else None)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _time_is_up(self) -> None:
        if self._intake.in_head:
            self._intake.head_is_late()
            self._wake()
        elif not self.busy:
            self.close()
