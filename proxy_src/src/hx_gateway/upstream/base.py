"""The interface of an upstream client."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

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

    def watch(self, on_end: Callable[[bool], None]) -> None:
        """Call `on_end` once, with whether the body came whole or broke off; at once if that has happened.

        It is not called where the reader leaves before the end, or a timeout passes.
        """

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """Give the connection back if the body was read, else close it, which tells the upstream to stop."""


class UpstreamClient(Protocol):
    """Sends requests to the upstream, whichever of its servers that is, over pooled connections."""

    async def send(
        self, method: str, target: str, headers: CIMultiDict[str], body: Body, prefer: str = ""
    ) -> UpstreamResponse:
        """Send a request and return when the head of its answer is here.

        `target` is sent as it is; `headers` are end-to-end ones without Host and Content-Length, which the
        client sets. `prefer` is the address of the server to ask if it can be asked. Cancelling the call closes
        the connection at once. Raises UpstreamUnreachableError (nothing was sent), UpstreamBrokenError,
        UpstreamTimeoutError, or whatever reading `body` raised.
        """

    async def aclose(self) -> None:
        """Close every connection."""


class OriginClient(UpstreamClient, Protocol):
    """A client of one server."""

    address: str
    """`HOST:PORT`."""

    @property
    def outstanding(self) -> int:
        """Requests under way, those included that wait for a connection."""


class OriginState(NamedTuple):
    """What is known of one server, for those who report it."""

    address: str
    outstanding: int
    circuit: str
    """`closed`, `open` or `half_open`."""
    healthy: bool
    """What its last readiness checks said; true where there are none."""
    weight: float
    """Share of the load it is given, below 1 while it starts slowly."""
    requests: int
    """Requests sent to it since the start, tries that failed included."""
    failures: int
    """Those that it did not answer, or not to the end."""
    ejections: int
    """How often its circuit opened."""


class Upstream(UpstreamClient, Protocol):
    """The client that the pipeline has: of one server or of many."""

    @property
    def clients(self) -> Sequence[OriginClient]:
        """A client for each server."""

    @property
    def checkers(self) -> Sequence[OriginClient]:
        """A client for each server for questions about its readiness: they never wait behind requests."""

    @property
    def retries(self) -> int:
        """Requests sent again, to another server, since the start."""

    @property
    def hedges(self) -> int:
        """Requests sent to a second server while the first was still to answer, since the start."""

    @property
    def hedges_won(self) -> int:
        """Those of them that the second server answered first."""

    async def send(
        self, method: str, target: str, headers: CIMultiDict[str], body: Body, prefer: str = "", model: str = ""
    ) -> UpstreamResponse:
        """Send as UpstreamClient does; by `model` is decided what may be sent twice."""

    def snapshot(self) -> list[OriginState]:
        """Return what is known of each server, in the order of the configuration."""
