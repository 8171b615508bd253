"""The common answer, whole in memory: head and body leave in one write, past aiohttp's response classes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import ClientConnectionResetError, HttpVersion11, hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import _serialize_headers

from hx_gateway.server.connection import SERVER

if TYPE_CHECKING:
    from multidict import CIMultiDict

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}"
    for status in HTTPStatus
    if status >= 200 and status not in {204, 205, 304}  # these have no body (RFC 9110 section 6.4.1)
}

_JOINED = 65536
"""Bytes up to which copying a body behind its head is cheaper than a second write."""


class _Sent(web.StreamResponse):
    """What aiohttp is told of an answer that has left."""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on."""
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing."""


SENT = _Sent()


def applies(raw: web.BaseRequest, status: int) -> bool:
    """Say whether an answer with `status` to `raw` has a body and leaves the connection open."""
    return (
        status in _STATUS_LINES
        and raw.version == HttpVersion11
        and raw.method != hdrs.METH_HEAD
        and raw.keep_alive
        and hdrs.UPGRADE not in raw.headers
    )


def write(raw: web.BaseRequest, status: int, headers: CIMultiDict[str], body: bytes) -> None:
    """Write an answer for which `applies` is true, with the headers aiohttp would give it.

    Raises ConnectionError if the client left, ValueError on a header that would split the message.
    """
    if body:
        headers.setdefault(hdrs.CONTENT_TYPE, "application/octet-stream")
    headers[hdrs.CONTENT_LENGTH] = str(len(body))
    if hdrs.DATE not in headers:
        headers[hdrs.DATE] = rfc822_formatted_time()
    headers.setdefault(hdrs.SERVER, SERVER)
    head = _serialize_headers(_STATUS_LINES[status], headers)
    transport = raw.transport
    if transport is None or transport.is_closing():
        raise ClientConnectionResetError("the client has left")
    raw.writer.output_size += len(head) + len(body)
    if len(body) <= _JOINED:
        transport.write(head + body)
    else:
        transport.write(head)
        transport.write(body)


async def taken(raw: web.BaseRequest) -> web.StreamResponse:
    """Return when the client takes what was written. Raises ConnectionError if it left."""
    if raw.protocol.writing_paused:
        await raw.protocol._drain_helper()  # noqa: SLF001 - aiohttp's writer does the same
    return SENT
