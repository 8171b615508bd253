"""The interface of an upstream client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from multidict import CIMultiDict

    from hx_gateway.message import Body


class UpstreamResponse(Protocol):
    """The head of an answer, and its body as a stream.

    Iterating gives the body's bytes as they arrive, content codings untouched; it raises UpstreamBrokenError if
    the body ends before its framing says so, UpstreamTimeoutError if a pause or the whole takes too long.
    """

    @property
    def status(self) -> int:
        """Status code, 200 to 599."""

    @property
    def headers(self) -> CIMultiDict[str]:
        """End-to-end headers, Content-Length among them when the upstream sent one."""

    @property
    def upstream(self) -> str:
        """`HOST:PORT` of the server that answered."""

    def take(self) -> bytes | None:
        """Return the whole body if all of it has arrived with the head: a small answer needs no stream.

        The connection is then given back. None: nothing was read.
        """

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """Give the connection back if the body was read, else close it, which tells the upstream to stop."""


class UpstreamClient(Protocol):
    """Sends requests to one origin over pooled connections."""

    async def send(self, method: str, target: str, headers: CIMultiDict[str], body: Body) -> UpstreamResponse:
        """Send a request and return when the head of its answer is here.

        `target` is sent as it is; `headers` are end-to-end ones without Host and Content-Length, which the
        client sets. Cancelling the call closes the connection at once. Raises UpstreamUnreachableError (nothing
        was sent), UpstreamBrokenError, UpstreamTimeoutError, or whatever reading `body` raised.
        """

    async def aclose(self) -> None:
        """Close every connection."""
