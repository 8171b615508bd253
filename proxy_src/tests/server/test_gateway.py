"""The client's side of the gateway, with clients that misbehave."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.errors import UpstreamBrokenError
from hx_gateway.message import Request, Response, read_all
from hx_gateway.middleware import ServiceState
from hx_gateway.server import GatewayServer

from running import configured, gateway
from wire import FORM, ask, chunk, client, read_body, reply, request, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wire import Seen

LINE = b"GET /v1/x HTTP/1.1\r\n"
HOST = b"Host: gateway\r\n"
POST = b"POST /v1/x HTTP/1.1\r\nHost: gateway\r\n"

MALFORMED = [
    b"\r\n\r\nsecret\r\n\r\n",
    b"secret\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /v1/secret\r\n\r\n",
    b"GET /v1/secret HTTP/1.1 x\r\n" + HOST + b"\r\n",
    b"POST /v1/x HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /v1/secret HTTP/2.0\r\n" + HOST + b"\r\n",
    b"GET /v1/secret HTTP/1.x\r\n" + HOST + b"\r\n",
    b"GET /v1/se\x00cret HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /v1/se\tcret HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://[::1/v1/secret HTTP/1.1\r\n" + HOST + b"\r\n",
    b"SECRET /v1/x HTTP/1.1\r\n" + HOST + b"\r\n",
    b"get /v1/x HTTP/1.1\r\n" + HOST + b"\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret\r\n\r\n",
    LINE + b"Host gateway\r\n\r\n",
    LINE + b"Host : gateway\r\n\r\n",
    LINE + HOST + b": secret\r\n\r\n",
    LINE + HOST + b"X Y: secret\r\n\r\n",
    LINE + HOST + b"X: a\x00b\r\n\r\n",
    LINE + HOST + b"X: a\rb\r\n\r\n",
    LINE + HOST + b"X\x00: secret\r\n\r\n",
    LINE + b" Host: gateway\r\n\r\n",
    LINE + HOST + b"X: " + b"s" * 20_000 + b"\r\n\r\n",
    b"GET /v1/" + b"s" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    LINE + HOST + b"X: secret\r\n" * 1000 + b"\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: +5\r\n\r\nabcde",
    POST + b"Content-Length: 5, 5\r\n\r\nabcde",
    POST + b"Content-Length: 0x5\r\n\r\nabcde",
    POST + b"Content-Length: 5 5\r\n\r\nabcde",
    POST + b"Content-Length: \r\n\r\nabcde",
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    POST + b"Content-Length: 99999999999999999999999\r\n\r\nabcde",
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nsecret\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\na",
]


@pytest.mark.parametrize("raw", MALFORMED)
async def test_what_is_not_http_is_refused_without_an_echo(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "hx_gateway")
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(raw)
        answer = await asyncio.wait_for(connection.answer(), 2)
        assert answer.status == 400
        error = orjson.loads(answer.body)["error"]
        assert error["code"] == "malformed_request"
        assert error["request_id"] == answer.get("x-request-id")
        assert answer.get("Server") == "hx-gateway"
        assert answer.get("Content-Type") == "application/json; charset=utf-8"
        assert await connection.reader.read() == b""  # and the connection is closed
        assert b"secret" not in answer.body
        assert all(seen.body == b"" for seen in up.seen)
        assert "malformed_request" in caplog.text
        assert "secret" not in caplog.text


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_connect_and_other_forms_never_reach_the_upstream(version: str) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        raw = f"CONNECT 127.0.0.1:{up.port} HTTP/{version}\r\nHost: 127.0.0.1:{up.port}\r\n\r\n"
        assert (await ask(gw.port, raw.encode())).status == 400
        assert up.seen == []


async def test_expect_100_continue() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        for target in ("/v1/files", "/v1/embeddings"):
            await connection.send(request(target, "POST", ["Expect: 100-Continue", "Content-Length: 3"]))
            assert (await asyncio.wait_for(connection.head(), 1)).status == 100
            await connection.send(b"abc")
            assert (await connection.answer()).body == b"abc"
        assert up.seen[0].get("Expect") is None


async def test_a_refused_request_is_not_told_to_continue() -> None:
    async with gateway() as gw, client(gw.port) as connection:
        await connection.send(request("/nowhere", "POST", ["Expect: 100-continue", "Content-Length: 3"]))
        assert (await asyncio.wait_for(connection.head(), 1)).status == 404


async def test_an_old_client_is_not_told_to_continue() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        raw = b"POST /v1/x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
        assert (await ask(gw.port, raw)).status == 200


async def test_other_expectations_fail() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/x", "POST", ["Expect: a-pony"], b"abc"))
        assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (417, "expectation_failed")
        assert up.seen == []


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(b"".join(request("/v1/x", "POST", body=b"%d" % n) for n in range(20)))
        assert [(await connection.answer()).body for _ in range(20)] == [b"%d" % n for n in range(20)]


async def test_old_clients_get_a_body_that_ends_with_the_connection() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = reply(200, b"", ["Transfer-Encoding: chunked"], length=False)
        writer.write(head + chunk(b"one") + chunk(b"two") + chunk(b""))

    async with upstream(play) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, b"GET /v1/x HTTP/1.0\r\nHost: a\r\n\r\n")
        assert (answer.body, answer.get("Transfer-Encoding")) == (b"onetwo", None)


async def test_errors_have_their_shape_without_the_middleware(caplog: pytest.LogCaptureFixture) -> None:
    sections = {"disable": ["errors"], "add": [{"factory": "plugins:Broken"}]}
    async with gateway(middlewares=sections) as gw:
        answer = await ask(gw.port, request("/healthz", "POST"))
        assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")
        answer = await ask(gw.port, request())
        assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (500, "internal_error")
        assert b"secret" not in answer.body
        assert "unexpected_error" in caplog.text


async def test_an_idle_connection_is_closed() -> None:
    async with gateway(listen={"port": 0, "keepalive_timeout": 0.2}) as gw, client(gw.port) as connection:
        await connection.send(request("/healthz"))
        assert (await connection.answer()).status == 200
        start = time.monotonic()
        assert await connection.reader.read() == b""
        assert 0.1 < time.monotonic() - start < 2


async def test_small_writes_are_not_held_back() -> None:
    async with gateway() as gw, client(gw.port) as connection:
        await connection.send(request("/healthz"))
        await connection.answer()
        (transport,) = gw.server._http.open.values()
        channel = transport.get_extra_info("socket")
        assert channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


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


async def test_a_body_that_is_not_read_does_not_spoil_the_connection() -> None:
    async with gateway() as gw, client(gw.port) as connection:
        await connection.send(request("/nowhere", "POST", body=b"x" * 100_000) + request("/healthz"))
        assert (await connection.answer()).status == 404
        assert (await connection.answer()).status == 200


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


async def test_a_body_that_came_with_its_head_is_taken_at_once() -> None:
    taken: list[bytes | None] = []

    async def handler(message: Request) -> Response:
        taken.append(message.body.take())
        rest = await read_all(message.body, 100) if taken[-1] is None else b""
        return Response(200, CIMultiDict(), rest)

    server = GatewayServer(handler, configured(), ServiceState())
    _, port = await server.start()
    async with client(port) as connection:
        await connection.send(request("/", "POST", body=b"whole"))
        assert (await connection.answer()).body == b""
        await connection.send(request("/", "POST", ["Content-Length: 5"]) + b"ha")
        await asyncio.sleep(0.05)
        await connection.send(b"lf.")
        assert (await connection.answer()).body == b"half."
    await server.drain(0, asyncio.Event())
    assert taken == [b"whole", None]


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
