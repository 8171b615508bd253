"""One request and its answer on a connection of the fast client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.clock import earlier
from hx_gateway.errors import GatewayError, UpstreamBrokenError
from hx_gateway.headers import end_to_end

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

    from aiohttp.http_parser import RawResponseMessage
    from aiohttp.streams import StreamReader
    from multidict import CIMultiDict

    from hx_gateway.message import Sink
    from hx_gateway.upstream.connection import Connection


class Exchange:
    """The answer to one request; see UpstreamResponse. Its connection fills it in."""

    __slots__ = (
        "_between_bytes",
        "_sink",
        "answered",
        "connection",
        "deadline",
        "head_arrived",
        "headers",
        "loop",
        "on_end",
        "payload",
        "status",
        "upload",
        "upstream",
        "whole",
    )

    headers: CIMultiDict[str]
    payload: StreamReader

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        upstream: str,
        between_bytes: float,
        deadline: float | None,
    ) -> None:
        self.loop = loop
        self.connection: Connection | None = connection
        """None once the exchange needs it no more."""
        self.upstream = upstream
        self.deadline = deadline
        """When the whole has to be over, by the loop's clock."""
        self._between_bytes = between_bytes
        self._sink: Sink | None = None
        self.head_arrived: asyncio.Future[None] = loop.create_future()
        self.upload: asyncio.Task[None] | None = None
        """What sends the body, until all of it is sent."""
        self.answered = False
        self.on_end: Callable[[bool], None] | None = None
        """See `watch`."""
        self.status = 0
        self.whole: bytes | None = None
        """The body, if it came with the head: then there is no `payload`."""

    # what the connection says

    def begin(self, message: RawResponseMessage, payload: StreamReader | bytes) -> None:
        """Take the answer's head, and its body or the stream into which that goes.

        Raises ValueError on a head that is none.
        """
        if message.code > 599:
            raise ValueError("a status without meaning")
        self.headers = end_to_end(message.headers)
        self.status = message.code
        if isinstance(payload, bytes):
            self.whole = payload
        else:
            self.payload = payload
        self.answered = True
        if self.connection is not None:
            self.connection.clock.run_until(self.deadline)
        if not self.head_arrived.done():
            self.head_arrived.set_result(None)

    def arrived(self) -> None:
        """Know that a part of the body may have come, or its end."""
        sink = self._sink
        if sink is None:
            return
        payload = self.payload
        piece = payload.read_nowait()
        if piece:
            sink.feed(piece)
        if payload.is_eof():
            self._sink = None
            sink.end(None)
        else:
            self._await_bytes()

    def over(self, *, whole: bool) -> None:
        """Know that the body has come, or has broken off."""
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(whole)

    def fail(self, error: Exception, cause: BaseException | None = None) -> None:
        """Raise `error` where the answer is awaited."""
        if isinstance(error, UpstreamBrokenError):
            self.over(whole=False)
        self.stop_upload()
        error.__cause__ = cause
        sink, self._sink = self._sink, None
        if sink is not None:
            piece = self.payload.read_nowait()
            if piece:
                sink.feed(piece)
            sink.end(error)
        elif self.answered:
            if self.whole is None and not self.payload.is_eof():
                self.payload.set_exception(error)
        elif not self.head_arrived.done():
            self.head_arrived.set_exception(error)

    # what the client does

    async def head(self) -> None:
        """Wait for the answer's head. Raises what `fail` was given; whoever leaves closes the connection."""
        try:
            await self.head_arrived
        except BaseException:
            self.abort()
            raise

    def abort(self, error: Exception | None = None) -> None:
        """Close the connection unless it was given back; `error` goes to who waits for the answer."""
        connection, self.connection = self.connection, None
        self.on_end = None
        if connection is not None:
            connection.abort()
        if error is not None:
            self.upload = None  # which is where it comes from
            self.fail(error)
        else:
            self._sink = None
            self.stop_upload()

    def stop_upload(self) -> None:
        """Send no more of the request."""
        upload, self.upload = self.upload, None
        if upload is not None:
            upload.cancel()

    # what the response is to its reader

    def take(self) -> bytes | None:
        """Return the whole body if it is here."""
        if self.whole is not None:
            return self.whole or None
        payload = self.payload
        if payload.is_eof() and payload.exception() is None:
            return payload.read_nowait() or None
        return None

    def watch(self, on_end: Callable[[bool], None]) -> None:
        """Call `on_end` when the body is over; see UpstreamResponse."""
        if self.connection is not None:
            self.on_end = on_end
        else:  # given back, or lost
            on_end(self.whole is not None or self.payload.exception() is None)

    def pour(self, sink: Sink) -> None:
        """Hand what has arrived and what follows to `sink`."""
        if self.whole is not None:
            sink.feed(self.whole)
            sink.end(None)
            return
        error = self.payload.exception()
        if error is not None:
            sink.end(error if isinstance(error, Exception) else UpstreamBrokenError())
            return
        self._sink = sink
        self.arrived()

    def pause(self) -> None:
        """Stop reading; it is the client's turn."""
        if self.connection is not None and self._sink is not None:
            self.connection.pause_reading()
            self.connection.clock.run_until(self.deadline)

    def resume(self) -> None:
        """Read on."""
        if self.connection is not None and self._sink is not None:
            self.connection.resume_reading()
            self._await_bytes()

    def _await_bytes(self) -> None:
        if self._between_bytes and self.connection is not None:
            self.connection.clock.run_until(earlier(self.loop.time() + self._between_bytes, self.deadline))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.whole is not None:
            yield self.whole
            return
        payload = self.payload
        seconds = self._between_bytes
        time = self.loop.time
        while not payload.at_eof():
            if self.connection is not None and seconds:
                self.connection.clock.run_until(earlier(time() + seconds, self.deadline))
            try:
                piece = await payload.readany()
            except GatewayError:
                raise
            except RuntimeError as error:  # closed meanwhile, by the end of the client
                raise UpstreamBrokenError from error
            if self.connection is not None and seconds:  # the client's turn
                self.connection.clock.run_until(self.deadline)
            if piece:
                yield piece

    async def aclose(self) -> None:
        """Close the connection unless the body has arrived, and then it was given back already."""
        self.abort()
