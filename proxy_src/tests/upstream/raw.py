"""An upstream as a bare socket, for what no server would do, and a fast client in front of it."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from hx_gateway.message import BytesBody
from hx_gateway.upstream.fast_client import FastUpstream

from running import configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.upstream.exchange import Exchange


class Peer:
    """The upstream's end of one connection."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        channel.setblocking(False)

    async def request(self) -> bytes:
        """Read until a head is whole; empty at the end of the connection."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = await self.read()
            if not piece:
                return b""
            data += piece
        return data

    async def read(self, size: int = 65536) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.channel, size)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.channel, data)

    def close(self) -> None:
        self.channel.close()

    def reset(self) -> None:
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.channel.close()


class Listener:
    """A listening socket whose connections are accepted by hand."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.peers: list[Peer] = []

    @property
    def url(self) -> str:
        host, port = self.channel.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def accept(self, seconds: float = 2) -> Peer:
        """Wait for the next connection; raises TimeoutError."""
        channel, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(self.channel), seconds)
        self.peers.append(Peer(channel))
        return self.peers[-1]


@asynccontextmanager
async def pair(host: str = "127.0.0.1", **settings: Any) -> AsyncIterator[tuple[FastUpstream, Listener]]:
    """Run a fast client in front of a bare socket; `settings` are those of `upstream`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as channel:
        channel.bind((host, 0))
        channel.listen(64)
        channel.setblocking(False)
        listener = Listener(channel)
        client = FastUpstream(configured(listener.url, upstream=settings).upstream)
        try:
            yield client, listener
        finally:
            await client.aclose()
            for peer in listener.peers:
                peer.close()


def send(client: FastUpstream, method: str = "GET", body: bytes = b"", target: str = "/v1/x") -> asyncio.Task[Exchange]:
    """Begin a request."""
    return asyncio.ensure_future(client.send(method, target, CIMultiDict(), BytesBody(body)))


async def read(answer: Exchange) -> bytes:
    """Return what is left of the body."""
    return b"".join([piece async for piece in answer])
