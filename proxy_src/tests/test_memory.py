"""What clients end, in whatever way, is freed at once: nothing waits for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.cache.shared_stream import SharedStream
from hx_gateway.message import NO_BODY, BytesBody, Request
from hx_gateway.server.body import ClientBody
from hx_gateway.server.connection import Connection

from limits import limit
from running import gateway
from wire import chunk, client, echo, reply, request, upstream

if TYPE_CHECKING:
    from wire import Play, Seen

ON: dict[str, Any] = {
    "metrics": {"enabled": True, "listen": {"port": 0}},
    "cache": {"enabled": True},
    "sessions": {"enabled": True},
    "rate_limits": {"limits": [limit("c", "concurrent", 1000), limit("t", "tokens", 10**9)]},
}
TIMES = 5


async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, b"", ["Content-Type: text/event-stream", "Transfer-Encoding: chunked"], length=False))
    while True:
        writer.write(chunk(b"data: {}\n\n"))
        await asyncio.sleep(0.01)


async def silent(_: Seen, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


def alive() -> dict[str, int]:
    kinds = (Connection, Request, SharedStream)
    return {kind.__name__: sum(isinstance(found, kind) for found in gc.get_objects()) for kind in kinds}


@pytest.mark.parametrize("play", [echo, endless, silent])
async def test_nothing_is_left(play: Play) -> None:
    async with upstream(play) as up, gateway(up.url, **ON) as gw:
        before = alive()
        gc.disable()
        try:
            for number in range(TIMES):
                async with client(gw.port) as connection:
                    body = b'{"model":"m","stream":true,"temperature":0,"n":%d}' % number
                    await connection.send(request("/v1/chat/completions", "POST", ["Authorization: Bearer k"], body))
                    if play is silent:
                        await asyncio.sleep(0.05)
                    else:
                        await connection.head()
                        await connection.reader.read(5)
                    connection.abort()
            await asyncio.sleep(0.3)
            assert len(up.seen) == TIMES
            assert alive() == before
        finally:
            gc.enable()


def bodies_and_requests() -> list[object]:
    gc.collect()
    kinds = (ClientBody, BytesBody)
    return [
        found for found in gc.get_objects() if isinstance(found, Request) or (isinstance(found, kinds) and found.length)
    ]


async def test_a_stream_keeps_nothing_of_its_request_s_body() -> None:
    async with upstream(endless) as up, gateway(up.url, **ON) as gw, client(gw.port) as connection:
        before = bodies_and_requests()  # of other tests
        body = b'{"model":"m","stream":true,"temperature":0,"prompt":"%s"}' % (b"x" * 100_000)
        await connection.send(request("/v1/completions", "POST", ["Authorization: Bearer k"], body))
        await connection.head()
        await connection.reader.read(5)
        (streaming,) = [found for found in bodies_and_requests() if not any(found is other for other in before)]
        assert isinstance(streaming, Request)
        assert (streaming.body, streaming.document, streaming.streams) == (NO_BODY, None, True)
