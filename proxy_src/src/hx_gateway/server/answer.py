"""The head of an answer, and answers that are whole in memory: each leaves in one write."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion10, HttpVersion11, hdrs
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict

from hx_gateway.errors import JSON, error_body
from hx_gateway.middlewares.request_id import HEADER

if TYPE_CHECKING:
    from hx_gateway.errors import GatewayError
    from hx_gateway.message import Request
    from hx_gateway.server.connection import Connection

SERVER: Final = "hx-gateway"

JOINED: Final = 65536
"""Bytes up to which copying a body behind its head is cheaper than a second write."""

_BODILESS: Final = frozenset({204, 205, 304})
"""These have no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5)."""

_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_LINES_1_1: Final = {status: f"HTTP/1.1 {status} {_REASONS.get(status, '')}" for status in range(200, 600)}
_LINES_1_0: Final = {status: f"HTTP/1.0 {line[9:]}" for status, line in _LINES_1_1.items()}


def has_body(request: Request, status: int) -> bool:
    """Say whether an answer with `status` to `request` has a body."""
    return request.method != "HEAD" and status not in _BODILESS


def head(version: tuple[int, int], status: int, headers: CIMultiDict[str], *, keep: bool) -> bytes:
    """Return the head of an answer; `keep` says that another may follow on the connection.

    `headers` have the framing, and are completed. Raises ValueError on one that would split the message.
    """
    if hdrs.DATE not in headers:
        headers[hdrs.DATE] = rfc822_formatted_time()
    if hdrs.SERVER not in headers:
        headers[hdrs.SERVER] = SERVER
    if version == HttpVersion10:
        if keep:
            headers[hdrs.CONNECTION] = "keep-alive"
        return _serialize_headers(_LINES_1_0[status], headers)
    if not keep:
        headers[hdrs.CONNECTION] = "close"
    return _serialize_headers(_LINES_1_1[status], headers)


def whole(request: Request, status: int, headers: CIMultiDict[str], body: bytes | None, *, keep: bool) -> list[bytes]:
    """Return what to write for an answer whose body is in memory; None is one that is not sent.

    Raises ValueError as `head`.
    """
    if body and hdrs.CONTENT_TYPE not in headers:
        headers[hdrs.CONTENT_TYPE] = "application/octet-stream"
    if status in _BODILESS:
        headers.popall(hdrs.CONTENT_LENGTH, None)
        if status == 205:  # clients know of the others alone that nothing follows (RFC 9112 section 6.3)
            headers[hdrs.CONTENT_LENGTH] = "0"
        body = None
    elif body is not None:
        headers[hdrs.CONTENT_LENGTH] = str(len(body))
    data = head(request.version, status, headers, keep=keep)
    if not body or request.method == "HEAD":
        return [data]
    return [data + body] if len(body) <= JOINED else [data, body]


def refuse(connection: Connection, error: GatewayError, request_id: str) -> None:
    """Answer what never became a request, or came on a connection too many."""
    body = error_body(error, request_id)
    headers: CIMultiDict[str] = CIMultiDict(error.headers)
    headers[hdrs.CONTENT_TYPE] = JSON
    headers[hdrs.CONTENT_LENGTH] = str(len(body))
    headers[HEADER] = request_id
    if connection.transport is not None:
        connection.transport.write(head(HttpVersion11, error.status, headers, keep=False) + body)
