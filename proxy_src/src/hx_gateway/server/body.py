"""A client's request body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, hdrs, web

from hx_gateway.errors import MalformedRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class ClientBody:
    """A client's request body, read from its connection with back-pressure."""

    __slots__ = ("_raw", "length")

    def __init__(self, raw: web.BaseRequest) -> None:
        self._raw = raw
        self.length: int | None = 0
        if raw.body_exists:
            self.length = None if hdrs.TRANSFER_ENCODING in raw.headers else raw.content_length

    def take(self) -> bytes | None:
        """Return the whole body if it has arrived with its head, as most do: that saves the upload a task."""
        content = self._raw.content
        if content.is_eof() and content.exception() is None and content.total_bytes == self.length:
            return content.read_nowait()
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raw = self._raw
        waits = hdrs.EXPECT in raw.headers and raw.version >= HttpVersion11  # RFC 9110 section 10.1.1
        if waits and self.length != 0 and raw.transport is not None:
            raw.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        content = raw.content
        try:
            while not content.at_eof():
                piece = await content.readany()
                if piece:
                    yield piece
        except web.RequestPayloadError:
            raise MalformedRequestError from None
