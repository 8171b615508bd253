"""The listening port, and its end."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from running import gateway
from wire import FORM, chunk, client, read_body, reply, request, upstream

if TYPE_CHECKING:
    from wire import Seen


async def test_draining_lets_requests_finish() -> None:
    go_on, started = asyncio.Event(), asyncio.Event()

    async def play(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.set()
        body = await read_body(reader, seen, to_end=False)
        await go_on.wait()
        writer.write(reply(200, body))

    async with upstream(play, whole=False) as up, gateway(up.url) as gw:
        async with client(gw.port) as busy, client(gw.port) as idle:
            await busy.send(request("/v1/x", "POST", [FORM, "Content-Length: 6"]) + b"abc")
            await idle.send(request("/healthz"))
            await idle.answer()
            await asyncio.wait_for(started.wait(), 1)
            draining = asyncio.ensure_future(gw.server.drain(10, asyncio.Event()))
            assert await asyncio.wait_for(idle.reader.read(), 1) == b""
            await busy.send(b"def")
            go_on.set()
            answer = await busy.answer()
            assert (answer.body, answer.get("Connection")) == (b"abcdef", "close")
            assert await draining == 0


async def test_draining_answers_a_request_that_was_not_read_yet() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as idle:
        await idle.send(request("/healthz"))
        await idle.answer()
        (transport,) = gw.server._http.open.values()
        transport.pause_reading()  # as a busy loop does
        await idle.send(request("/healthz"))
        await asyncio.sleep(0.05)
        draining = asyncio.ensure_future(gw.server.drain(10, asyncio.Event(), 0))
        await asyncio.sleep(0.05)
        transport.resume_reading()
        answer = await asyncio.wait_for(idle.answer(), 1)
        assert (answer.status, answer.get("Connection")) == (200, "close")
        assert await draining == 0


async def test_draining_waits_for_the_last_byte_to_leave() -> None:
    body = b"x" * 60_000

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, body))

    async with upstream(play) as up, gateway(up.url) as gw:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", gw.port))
        await asyncio.sleep(0.05)
        (transport,) = gw.server._http.open.values()
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await loop.sock_sendall(slow, request())
        await asyncio.sleep(0.2)
        assert gw.server.active == 0  # handled, but most of the answer is still in the gateway
        assert transport.get_write_buffer_size() > 10_000
        draining = asyncio.ensure_future(gw.server.drain(10, asyncio.Event()))
        await asyncio.sleep(0.2)
        assert not draining.done()
        received = b""
        while piece := await loop.sock_recv(slow, 100_000):
            received += piece
        slow.close()
        assert received.endswith(body)
        assert await draining == 0


@pytest.mark.parametrize("hurried", [False, True])
async def test_draining_cuts_what_does_not_finish(hurried: bool) -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"x"))
        await asyncio.sleep(30)

    async with upstream(play) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request())
        await connection.head()
        hurry = asyncio.Event()
        draining = asyncio.ensure_future(gw.server.drain(30 if hurried else 0.1, hurry))
        await asyncio.sleep(0)
        if hurried:
            hurry.set()
        assert await asyncio.wait_for(draining, 3) == 1
        with pytest.raises(ConnectionResetError):
            while await connection.reader.read(100):
                pass
        await asyncio.wait_for(up.gone.wait(), 1)
    assert [line["ended"] for line in gw.log()] == ["cut"]
