"""How much of a request is not its body."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

_FRAMING_A_BYTE = 8
"""Bytes of framing that a byte of body justifies: a chunk of one byte has five."""

_MOST = 16384
"""Bytes of framing beyond that; Go's server has the same bound (net/http/internal/chunked.go)."""


def head_size(message: RawRequestMessage) -> int:
    """Return the bytes of a message's head, request line included, without white space that was optional."""
    size = len(message.method) + len(message.path) + len("  HTTP/1.1\r\n\r\n")
    for name, value in message.raw_headers:
        size += len(name) + len(value) + 4
    return size


class ChunkOverhead:
    """Counts chunk sizes, extensions and trailers of a chunked body (RFC 9112 section 7.1), which no parser bounds."""

    __slots__ = ("_body", "_excess", "_seen")

    def __init__(self, body: StreamReader) -> None:
        self._body = body
        self._seen = 0
        self._excess = 0

    def exceeded_by(self, received: int) -> bool:
        """Count `received` bytes, which have been parsed; say whether there is too much framing."""
        size = self._body.total_bytes - self._seen
        self._seen += size
        self._excess = max(0, self._excess + received - size - _FRAMING_A_BYTE * size)
        return self._excess > _MOST
