"""How a request is written: its head, and a body that arrives piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.http_writer import _serialize_headers

from hx_gateway.clock import earlier
from hx_gateway.errors import UpstreamBrokenError

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hx_gateway.message import Body
    from hx_gateway.upstream.exchange import Exchange

_NO_BODY_EXPECTED = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods without a body need no Content-Length to say so (RFC 9110 section 8.6)."""

_JOINED = 65536
"""Bytes up to which copying a body behind its head is cheaper than a second write."""


def serialize_head(method: str, target: str, host: str, headers: CIMultiDict[str], length: int | None) -> bytes:
    """Return the head of a request, `headers` completed by Host and the framing of a body of `length` bytes.

    Raises ValueError where a part of it would split the message.
    """
    headers["Host"] = host
    if length is None:
        headers["Transfer-Encoding"] = "chunked"
    elif length or method not in _NO_BODY_EXPECTED:
        headers["Content-Length"] = str(length)
    if " " in target or " " in method:
        raise ValueError("white space in a request line")
    return _serialize_headers(f"{method} {target} HTTP/1.1", headers)


def joined(head: bytes, body: bytes) -> list[bytes]:
    """Return what to write for a whole request: one piece if the body is small."""
    if len(body) <= _JOINED:
        return [head + body]
    return [head, body]


async def upload(exchange: Exchange, body: Body, first_byte: float) -> None:
    """Write `body` to the exchange's connection as it arrives, waiting where the upstream does not read.

    `first_byte` seconds are what the upstream may take to read a piece, and to answer after the last one; while
    the client is to send, no clock runs but the one of the whole exchange. Errors end the exchange.
    """
    try:
        if await _pieces(exchange, body, first_byte):
            exchange.upload = None
    except Exception as error:  # whatever reading the body raised belongs to who waits for the answer
        exchange.abort(error)


async def _pieces(exchange: Exchange, body: Body, first_byte: float) -> bool:
    """Return whether the body was written to its end."""
    chunked = body.length is None
    left = body.length or 0
    pieces = aiter(body)
    while True:
        _clock(exchange, 0)
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            break
        _clock(exchange, first_byte)
        left -= len(piece)
        if left < 0 and not chunked:
            raise UpstreamBrokenError from ValueError("a body longer than its length")
        connection = exchange.connection
        if connection is None:
            return False
        if piece:
            connection.write([b"%x\r\n" % len(piece), piece, b"\r\n"] if chunked else [piece])
        if connection.writing_paused:
            await connection.drained()
    if left > 0 and not chunked:
        raise UpstreamBrokenError from ValueError("a body shorter than its length")
    if exchange.connection is None:
        return False
    if chunked:
        exchange.connection.write([b"0\r\n\r\n"])
    _clock(exchange, first_byte)
    return True


def _clock(exchange: Exchange, seconds: float) -> None:
    """Give the upstream `seconds`, 0 for as long as it likes; once it answers, the answer's reader does that."""
    connection = exchange.connection
    if connection is not None and not exchange.answered:
        until = exchange.loop.time() + seconds if seconds else None
        connection.clock.run_until(earlier(until, exchange.deadline))
