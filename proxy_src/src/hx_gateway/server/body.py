"""A client's request body."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.streams import EMPTY_PAYLOAD

from hx_gateway.errors import BodyTooLargeError, MalformedRequestError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.http_parser import RawRequestMessage

    from hx_gateway.config.limits import Limits
    from hx_gateway.server.connection import Connection
    from hx_gateway.server.intake import Content


class ClientBody:
    """A client's request body, read from its connection with back-pressure and within the limits."""

    __slots__ = ("_connection", "_content", "_limits", "_waits", "length")

    def __init__(self, connection: Connection, message: RawRequestMessage, content: Content, limits: Limits) -> None:
        self._connection = connection
        self._waits = hdrs.EXPECT in message.headers and message.version >= HttpVersion11
        """The client sends it only once it is told to go on (RFC 9110 section 10.1.1)."""
        self._content = content
        self._limits = limits
        self.length: int | None = 0
        if isinstance(content, bytes):
            self.length = len(content)
        elif content is not EMPTY_PAYLOAD:
            length = message.headers.get(hdrs.CONTENT_LENGTH)
            self.length = None if length is None or message.chunked else int(length)

    def check(self) -> None:
        """Raise BodyTooLargeError if the announced length is above `limits.body_max`."""
        if self.length and 0 < self._limits.body_max < self.length:
            raise BodyTooLargeError

    def take(self) -> bytes | None:
        """Return the whole body if it has arrived with its head, as most do: that saves the upload a task."""
        content = self._content
        if isinstance(content, bytes):
            return content
        if content.is_eof() and content.exception() is None and content.total_bytes == self.length:
            return content.read_nowait()
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._content
        if isinstance(content, bytes):
            if content:
                yield content
            return
        if self.length != 0:
            self._invite()
        most = self._limits.body_max
        patience = self._limits.body_timeout or None
        size = 0
        try:
            while not content.at_eof():
                async with asyncio.timeout(patience):
                    piece = await content.readany()
                if piece:
                    size += len(piece)
                    if 0 < most < size:
                        raise BodyTooLargeError
                    yield piece
        except web.RequestPayloadError:
            raise MalformedRequestError from None
        except TimeoutError:
            raise RequestTimeoutError from None

    def _invite(self) -> None:
        """Tell a client that waits for it to go on."""
        transport = self._connection.transport
        if self._waits and transport is not None:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
