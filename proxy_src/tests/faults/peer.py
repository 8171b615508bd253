"""LiteLLM's place among faults: a process that answers as each request asks in `x-play`, and is killed.

Run as `python -m faults.peer PORT`; it says its port once it listens.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import orjson

from wire import Seen, chunk, read_body, read_head, reply

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
_NUMBERS = count(1)
_seen: list[str] = []


@cache
def bomb() -> bytes:
    """Return 200 MB in 194 kB, the same in every process."""
    return gzip.compress(b"\0" * 200_000_000, 9, mtime=0)


async def raw(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Answer what the request says, to the byte, and close."""
    writer.write(seen.body)
    writer.close()


async def raw_open(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Answer what the request says, to the byte, and no more."""
    writer.write(seen.body)
    await asyncio.sleep(60)


async def silent(_: Seen, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def half(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, b"x" * 1000, [JSON])[:-900])
    await asyncio.sleep(60)


async def stream(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, b"", ["Content-Type: text/event-stream", CHUNKED], length=False))
    for number in range(1200):
        writer.write(chunk(b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % number))
        await asyncio.sleep(0.05)


async def drip(_: Seen, writer: asyncio.StreamWriter) -> None:
    """Answer byte by byte."""
    for byte in reply(200, completion("slow"), [JSON]):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.002)


async def flood(_: Seen, writer: asyncio.StreamWriter) -> None:
    """Answer 1.3 GB."""
    writer.write(reply(200, b"", [CHUNKED], length=False))
    for _number in range(20_000):
        writer.write(chunk(b"x" * 65536))
        await writer.drain()


async def bombing(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, bomb(), [JSON, "Content-Encoding: gzip"]))


async def size(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Answer how large the request's body was."""
    writer.write(reply(200, b"%d" % len(seen.body), ["Content-Type: text/plain"]))


async def complete(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, completion(str(next(_NUMBERS))), [JSON]))


PLAYS = {
    "": complete,
    "bomb": bombing,
    "drip": drip,
    "flood": flood,
    "half": half,
    "raw": raw,
    "raw-open": raw_open,
    "silent": silent,
    "size": size,
    "stream": stream,
}

OWN: dict[str, Callable[[], bytes]] = {
    "/v1/seen": lambda: orjson.dumps(_seen),
    "/v1/models": lambda: b'{"object":"list","data":[{"id":"m","object":"model"}]}',
    "/health/readiness": lambda: b'{"status":"healthy","db":"connected"}',
}
"""What the gateway, or a test, asks on its own account."""


async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Answer one request."""
    own = OWN.get(seen.target)
    if own is not None:
        writer.write(reply(200, own(), [JSON]))
        return
    play = seen.get("x-play") or ""
    _seen.append(play)
    await PLAYS[play](seen, writer)


def completion(number: str) -> bytes:
    """Return a chat completion that nothing else was answered with."""
    return orjson.dumps(
        {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": number}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }
    )


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while not writer.is_closing():
            seen = Seen(*await read_head(reader))
            seen.body = await read_body(reader, seen, to_end=False)
            await answer(seen, writer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def main(port: int) -> None:
    """Serve until the process is killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 20, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by who started it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
