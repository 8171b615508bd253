"""Server-Sent Events: an upstream that sends them, and clients that read them, in this process."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from benchmarks.nginx import READINESS, answer
from benchmarks.traffic import body, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_DELTA = (
    b'data: {"id":"chatcmpl-9a6e2f6b1c1e9d55","created":1764000000,"model":"gpt-bench",'
    b'"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" lorem"}}],"at":%d}\n\n'
)
_LAST = (
    b'data: {"id":"chatcmpl-9a6e2f6b1c1e9d55","object":"chat.completion.chunk","choices":[],'
    b'"usage":{"prompt_tokens":40,"completion_tokens":100,"total_tokens":140}}\n\ndata: [DONE]\n\n'
)
_END = b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _whole(text: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(text),
        text.encode(),
    )


@dataclass
class Plan:
    """What the upstream does with each request to stream."""

    events: int = 100
    every: float = 0.01
    """Seconds between events."""
    silent: bool = False
    """Never answer."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request is here."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection ended before its stream."""
    gone_at: float = 0.0
    """When that was, on the monotonic clock."""


class _Upstream(asyncio.Protocol):
    """One connection: streams where the request asks for it, else 1 KiB of JSON."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._data = b""
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._data += data
        while not self._busy:
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._answer(head, rest[:length])

    def _answer(self, head: bytes, asked: bytes) -> None:
        if b'"stream": true' in asked or b'"stream":true' in asked:
            self._plan.asked.set()
            self._busy = True
            if not self._plan.silent:
                self._transport.write(_HEAD)
                self._left = self._plan.events
                self._every = self._plan.every
                self._timer = asyncio.get_running_loop().call_later(random.random() * self._every, self._event)
        else:
            self._transport.write(_whole(READINESS if b"/health/" in head.split(b"\r\n", 1)[0] else answer()))

    def _event(self) -> None:
        self._left -= 1
        if self._left > 0:
            self._transport.write(_chunk(_DELTA % time.monotonic_ns()))
            self._timer = asyncio.get_running_loop().call_later(self._every, self._event)
        else:
            self._busy = False
            self._transport.write(_chunk(_LAST) + _END)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Note who left a stream."""
        if self._timer is not None:
            self._timer.cancel()
        if self._busy:
            self._plan.gone_at = time.monotonic()
            self._plan.gone.set()


@asynccontextmanager
async def upstream(plan: Plan) -> AsyncIterator[int]:
    """Serve `plan`; yields the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Upstream(plan), "127.0.0.1", 0, backlog=4096)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


_asked = itertools.count(time.monotonic_ns())
"""What tells one stream from another: equal ones a cache would ask for once."""


class Tally:
    """What all readers together have seen."""

    def __init__(self) -> None:
        self.begun = 0
        self.events = 0
        self.ended = 0
        self.broken = 0
        self.delays: list[float] = []
        """Microseconds from the upstream's write to the client's read, of the events that came in one piece."""


class Reader(asyncio.Protocol):
    """A client that asks for a stream, once, and reads it to its end."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._tail = b""
        self.first = asyncio.get_running_loop().create_future()
        """Done with the first event."""
        self.end = asyncio.get_running_loop().create_future()
        """Done when the stream has ended or broken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(request(body(f"stream {next(_asked)}", stream=True).encode()))

    def data_received(self, data: bytes) -> None:
        """Count the events."""
        tally = self._tally
        at = data.find(b'"at":')
        if at >= 0 and (stop := data.find(b"}", at)) > 0:
            tally.delays.append((time.monotonic_ns() - int(data[at + 5 : stop])) / 1000)
        count = data.count(b"data: ")
        if count and not self.first.done():
            tally.begun += 1
            self.first.set_result(None)
        tally.events += count
        self._tail = (self._tail + data)[-len(_END) :]
        if self._tail == _END and not self.end.done():
            tally.ended += 1
            self.end.set_result(None)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        """Note a stream without its end."""
        if not self.end.done():
            self._tally.broken += 1
            self.end.set_result(None)
        if not self.first.done():
            self.first.set_result(None)


async def read(port: int, tally: Tally) -> Reader:
    """Open a stream and return its reader."""
    _, reader = await asyncio.get_running_loop().create_connection(lambda: Reader(tally), "127.0.0.1", port)
    return reader
