"""HTTP/1.1 by hand, so that tests can send and see what no library would."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

CRLF = b"\r\n"


@dataclass
class Head:
    """A request line or status line, and the headers in order."""

    first: str
    headers: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None


@dataclass
class Seen(Head):
    """A request as an upstream saw it."""

    body: bytes = b""

    @property
    def method(self) -> str:
        return self.first.split(" ")[0]

    @property
    def target(self) -> str:
        return self.first.split(" ")[1]


@dataclass
class Answer(Head):
    """A response as a client saw it."""

    body: bytes = b""

    @property
    def status(self) -> int:
        return int(self.first.split(" ")[1])


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    """Read to the empty line; raises IncompleteReadError at the end of the connection."""
    lines = (await reader.readuntil(CRLF * 2)).decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in lines[1:] if line]
    return lines[0], [(name, value.strip()) for name, value in pairs]


async def read_chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the chunks of a chunked body; raises IncompleteReadError if its end is missing."""
    while size := int((await reader.readuntil(CRLF)).split(b";")[0], 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(CRLF)


async def read_body(reader: asyncio.StreamReader, head: Head, *, to_end: bool) -> bytes:
    """Read a body by its framing; without one to the end of the connection if `to_end`, else nothing."""
    if head.get("Transfer-Encoding") == "chunked":
        return b"".join([chunk async for chunk in read_chunks(reader)])
    length = head.get("Content-Length")
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read() if to_end else b""


def reply(
    status: int = 200, body: bytes = b"", headers: Iterable[str] = (), *, length: bool = True, reason: str = "X"
) -> bytes:
    """Return a whole response."""
    lines = [f"HTTP/1.1 {status} {reason}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; of nothing, the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


FORM = "Content-Type: multipart/form-data; boundary=b"
"""A body of this media type is streamed whatever middlewares run."""

Play: TypeAlias = "Callable[[Seen, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]"


async def echo(seen: Seen, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the request's body."""
    writer.write(reply(200, seen.body, ["Content-Type: application/json"]))


def say(data: bytes) -> Play:
    """Answer with `data` as it is."""

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return play


@dataclass
class Upstream:
    """A server that plays `play` for every request and remembers what it saw."""

    play: Play = echo
    whole: bool = True
    """Read the body before playing."""
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the other side left before the play was over."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                seen = Seen(*await read_head(reader))
                self.seen.append(seen)
                if self.whole:
                    seen.body = await read_body(reader, seen, to_end=False)
                await self._watched(seen, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _watched(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        playing = asyncio.ensure_future(self.play(seen, reader, writer))
        while not playing.done():
            await asyncio.wait([playing], timeout=0.002)
            if (reader.at_eof() or writer.is_closing()) and not playing.done():
                self.gone.set()
                playing.cancel()
                return
        await playing


@asynccontextmanager
async def upstream(play: Play = echo, *, whole: bool = True, host: str = "127.0.0.1") -> AsyncIterator[Upstream]:
    """Run an upstream on a free port."""
    made = Upstream(play, whole)
    server = await asyncio.start_server(made.serve, host, 0, limit=1 << 20)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@dataclass
class Client:
    """One connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode("latin-1"))
        await self.writer.drain()

    async def head(self) -> Answer:
        return Answer(*await read_head(self.reader))

    async def answer(self, *, method: str = "GET") -> Answer:
        answer = await self.head()
        if method != "HEAD" and answer.status not in {204, 304}:
            answer.body = await read_body(self.reader, answer, to_end=True)
        return answer

    def abort(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """Connect to the gateway."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def request(
    target: str = "/v1/x", method: str = "GET", headers: Iterable[str] = (), body: bytes = b"", host: str = "gateway"
) -> bytes:
    """Return a whole request; with a length if there is a body."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask(port: int, data: bytes, *, method: str = "GET") -> Answer:
    """Send `data` on a connection of its own and return the first response."""
    async with client(port) as connection:
        await connection.send(data)
        return await connection.answer(method=method)


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what tells nobody that it has come; longer than any busy machine takes, since it is a test's limit."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)
