"""A client's request body."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, hdrs, web

from hx_gateway.errors import BodyTooLargeError, MalformedRequestError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.config.limits import Limits


class ClientBody:
    """A client's request body, read from its connection with back-pressure and within the limits."""

    __slots__ = ("_limits", "_raw", "length")

    def __init__(self, raw: web.BaseRequest, limits: Limits) -> None:
        self._raw = raw
        self._limits = limits
        self.length: int | None = 0
        if raw.body_exists:
            self.length = None if hdrs.TRANSFER_ENCODING in raw.headers else raw.content_length

    def check(self) -> None:
        """Raise BodyTooLargeError if the announced length is above `limits.body_max`."""
        if self.length and 0 < self._limits.body_max < self.length:
            raise BodyTooLargeError

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
