"""Several upstreams, real and made up."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
from multidict import CIMultiDict

from hx_gateway.message import BytesBody
from hx_gateway.upstream.balancer import Balancer

from running import configured
from wire import Upstream, echo, reply, upstream

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

    from hx_gateway.message import Body
    from hx_gateway.upstream.base import UpstreamResponse

    from wire import Play, Seen

READY = {"status": "healthy", "db": "connected"}


class Server:
    """A client of one server that does as it is told."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.outstanding = 0
        self.error: BaseException | None = None
        self.asked = 0
        self.bodies: list[bytes | None] = []

    async def send(
        self,
        method: str,  # noqa: ARG002 - the interface, as all of these
        target: str,  # noqa: ARG002
        headers: CIMultiDict[str],  # noqa: ARG002
        body: Body,
        prefer: str = "",  # noqa: ARG002
    ) -> UpstreamResponse:
        self.asked += 1
        self.bodies.append(body.take())
        if self.error is not None:
            raise self.error
        return Answered(self.address)

    async def aclose(self) -> None:
        """Nothing is open."""


class Answered:
    """An empty answer."""

    status = 200

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.headers: CIMultiDict[str] = CIMultiDict()

    def take(self) -> None:
        return None

    def watch(self, on_end: Callable[[bool], None]) -> None:
        on_end(True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        nothing: list[bytes] = []
        for piece in nothing:
            yield piece

    async def aclose(self) -> None:
        """Nothing is open."""


def servers(count: int = 3) -> list[Server]:
    return [Server(f"s{number}:1") for number in range(count)]


def balancer(made: list[Server], **settings: Any) -> Balancer:
    """Return a balancer over `made`, without readiness checks; `settings` are those of `upstream`."""
    settings = {"checks": {"interval": 0}, "slow_start": 0, **settings}
    return Balancer(made, configured(upstream=settings).upstream)


async def ask_of(client: Balancer, method: str = "POST", prefer: str = "") -> str:
    """Send a request; return which server answered."""
    return (await client.send(method, "/v1/x", CIMultiDict(), BytesBody(b"abc"), prefer)).upstream


def readiness(status: int, body: dict[str, str], play: Play = echo) -> Play:
    """Play `play`, and answer readiness with `body`, which a test may change."""

    async def both(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if seen.target == "/health/readiness":
            writer.write(reply(status, orjson.dumps(body)))
        else:
            await play(seen, reader, writer)

    return both


@asynccontextmanager
async def upstreams(*plays: Play) -> AsyncIterator[list[Upstream]]:
    """Run an upstream for each of `plays`."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(upstream(play)) for play in plays]


def settings(ups: list[Upstream], **more: Any) -> dict[str, Any]:
    """Return the `upstream` section that adds all but the first."""
    return {"more_urls": [up.url for up in ups[1:]], **more}
