"""Answers that are sent as they arrive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.errors import UpstreamBrokenError
from hx_gateway.message import Request, Response
from hx_gateway.middleware import ServiceState
from hx_gateway.server import GatewayServer

from running import configured, gateway
from wire import ask, chunk, client, reply, request, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wire import Seen


async def test_old_clients_get_a_body_that_ends_with_the_connection() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = reply(200, b"", ["Transfer-Encoding: chunked"], length=False)
        writer.write(head + chunk(b"one") + chunk(b"two") + chunk(b""))

    async with upstream(play) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, b"GET /v1/x HTTP/1.0\r\nHost: a\r\n\r\n")
        assert (answer.body, answer.get("Transfer-Encoding")) == (b"onetwo", None)


async def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    sent = 0

    async def flood(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False))
        while True:
            writer.write(chunk(b"x" * 65536))
            await writer.drain()
            sent += 65536

    async with upstream(flood) as up, gateway(up.url) as gw, client(gw.port) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        await connection.send(request())
        await asyncio.sleep(0.3)
        before = sent
        await asyncio.sleep(0.3)
        assert 0 < sent == before < 32_000_000


async def test_head_and_body_of_known_length_leave_in_one_write() -> None:
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        await go_on.wait()
        writer.write(b"abc")

    async with upstream(play) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request())
        reading = asyncio.ensure_future(connection.reader.read(10_000))
        await asyncio.sleep(0.3)
        assert not reading.done()
        go_on.set()
        assert (await reading).endswith(b"\r\n\r\nabc")


async def test_a_stream_that_fails_at_once_is_broken_off() -> None:
    """An answer whose body cannot be read at all still has its head sent, so only a broken connection can say it."""
    closed = asyncio.Event()

    class Failing:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            raise UpstreamBrokenError
            yield b""

        async def aclose(self) -> None:
            closed.set()

    async def handler(_: Request) -> Response:
        return Response(200, CIMultiDict(), Failing())

    server = GatewayServer(handler, configured(), ServiceState())
    _, port = await server.start()
    async with client(port) as connection:
        await connection.send(request())
        assert (await connection.head()).status == 200
        assert await connection.reader.read() == b""
        assert closed.is_set()
    await server.drain(0, asyncio.Event())


@pytest.mark.usefixtures("each_client")
@pytest.mark.parametrize("kind", ["text/plain", "text/event-stream"])
@pytest.mark.parametrize("cached", [False, True])
async def test_a_client_that_pauses_gets_all_in_the_end(kind: str, cached: bool) -> None:
    """Whatever looks at the stream on its way: what counts its tokens, or what keeps it."""
    event = b"data: " + b"x" * 65528 + b"\n\n"
    events, sent = 400, 0

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked", f"Content-Type: {kind}"], length=False))
        for number in range(events):
            writer.write(chunk(b"%06d" % number + event[6:] if kind == "text/plain" else event))
            await writer.drain()
            sent += 1
        writer.write(chunk(b""))

    body = orjson.dumps({"model": "m", "messages": [], "stream": True, "temperature": 0 if cached else 1})
    chat = request("/v1/chat/completions", "POST", ["Authorization: Bearer sk-1"], body)
    async with upstream(play) as up, gateway(up.url, cache={"enabled": cached}) as gw, client(gw.port) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        await connection.send(chat)
        before = -1
        while before != sent or not sent:
            before = sent
            await asyncio.sleep(0.3)
        assert sent < events
        connection.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        answer = await connection.answer()
        assert len(answer.body) == events * len(event)
        if kind == "text/plain":
            assert [int(answer.body[at : at + 6]) for at in range(0, len(answer.body), len(event))] == [*range(events)]
        await connection.send(request("/healthz"))
        assert (await connection.answer()).status == 200
    assert [line["ended"] for line in gw.log()] == ["complete"] * 2
