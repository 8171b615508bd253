"""An answer that is sent piece by piece, as it arrives."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, hdrs

from hx_gateway.errors import GatewayError, UpstreamBrokenError
from hx_gateway.message import is_pouring
from hx_gateway.server import answer
from hx_gateway.server.transport import reset

if TYPE_CHECKING:
    from hx_gateway.message import Pouring, Request, Response, Stream
    from hx_gateway.server.connection import Connection


class StreamedAnswer:
    """Writes the pieces of a body to a client's connection, framed by their length, by chunks, or by its end.

    A head with a length goes out with the first bytes of its body; every other at once. Raises ValueError on a header
    that would split the message.
    """

    __slots__ = ("_chunked", "_connection", "_done", "_head", "_left", "_outcome", "_source", "_started", "keeps")

    def __init__(self, connection: Connection, request: Request, response: Response, *, keep: bool) -> None:
        headers = response.headers
        self._connection = connection
        self._outcome = request.outcome
        self._started = request.started
        self._chunked = False
        self._left: int | None = None
        """Bytes to come, where a length says so."""
        self._source: Pouring | None = None
        self._done: asyncio.Future[None] | None = None
        if hdrs.CONTENT_TYPE not in headers:
            headers[hdrs.CONTENT_TYPE] = "application/octet-stream"
        if hdrs.CONTENT_LENGTH in headers:
            self._left = int(headers[hdrs.CONTENT_LENGTH])
        elif request.version == HttpVersion11:
            headers[hdrs.TRANSFER_ENCODING] = "chunked"
            self._chunked = True
        else:
            keep = False
        self.keeps = keep
        """Another answer may follow on the connection."""
        self._head = answer.head(request.version, response.status, headers, keep=keep)

    async def send(self, body: Stream) -> None:
        """Send head and body.

        Raises GatewayError if the body breaks off: then the connection is closed so that its client cannot take it
        for whole.
        """
        self._outcome.first_byte_after = time.monotonic() - self._started
        if self._left is None:
            self._write(self._head)
            self._head = b""
        try:
            if is_pouring(body):
                await self._pour(body)
            else:
                async for piece in body:
                    self.feed(piece)
                    if self._connection.writing_paused:
                        await self._connection.drained()
            if self._left:
                raise UpstreamBrokenError
        except GatewayError:
            self._break_off()
            raise
        if self._head:
            self._write(self._head)
        elif self._chunked:
            self._write(b"0\r\n\r\n")
        if self._connection.writing_paused:
            await self._connection.drained()

    def feed(self, piece: bytes) -> None:
        """Send `piece`."""
        size = len(piece)
        if not size:
            return
        outcome = self._outcome
        if not outcome.bytes_sent:
            outcome.first_piece_after = time.monotonic() - self._started
        outcome.bytes_sent += size
        if self._chunked:
            self._write(b"%x\r\n%b\r\n" % (size, piece))
        else:
            if self._left is not None:
                self._left -= size
            if self._head:
                piece = self._head + piece
                self._head = b""
            self._write(piece)
        if self._source is not None and self._connection.writing_paused:
            self._source.pause()

    def end(self, error: Exception | None) -> None:
        """Know that nothing follows."""
        done = self._done
        if done is not None and not done.done():
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    async def _pour(self, source: Pouring) -> None:
        self._done = asyncio.get_running_loop().create_future()
        self._source = source
        self._connection.when_writable(source.resume)
        try:
            source.pour(self)
            await self._done
        finally:
            self._source = None
            self._connection.when_writable(None)

    def _write(self, data: bytes) -> None:
        transport = self._connection.transport
        if transport is not None:
            transport.write(data)

    def _break_off(self) -> None:
        """End the answer so that the client cannot take it for whole.

        With a length or chunks the missing end says so, and what was sent still arrives; without, the end of the
        connection is the end of the body (RFC 9112 section 6.3), so it is reset.
        """
        if self._head:
            self._write(self._head)
        if self._left is not None or self._chunked:
            self._connection.close()
        else:
            reset(self._connection.transport)
