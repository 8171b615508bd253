"""A Redis that is watched: what a gateway writes to it, and what it reads from it, piece by piece."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import hiredis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Watched:
    """A Redis behind a socket of ours."""

    port: int = 0
    written: list[bytes] = field(default_factory=list)
    """What came from the gateway, one write in one piece."""
    read: list[bytes] = field(default_factory=list)
    """What it was sent."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def forget(self) -> None:
        """Begin anew."""
        self.written.clear()
        self.read.clear()

    def commands(self) -> list[list[str]]:
        """Return the names of the commands in each write."""
        found = []
        for piece in self.written:
            reader = hiredis.Reader()
            reader.feed(piece)
            names = []
            while (command := reader.gets()) is not False:
                names.append(command[0].decode())
            found.append(names)
        return found


@asynccontextmanager
async def watched(port: int) -> AsyncIterator[Watched]:
    """Stand between gateways and the Redis on `port`."""
    made = Watched()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_redis = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        await asyncio.gather(pass_on(reader, to_redis, made.written), pass_on(there, writer, made.read))

    async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, seen: list[bytes]) -> None:
        while piece := await source.read(1 << 20):
            seen.append(piece)
            target.write(piece)
        target.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
