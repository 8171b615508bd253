"""Clients that are slow, silent, or take nothing: each is let go in time."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from running import gateway
from wire import FORM, chunk, client, reply, request, upstream

if TYPE_CHECKING:
    from wire import Client, Seen

HEAD = b"POST /v1/x HTTP/1.1\r\nHost: gateway\r\n" + FORM.encode() + b"\r\n"


async def code(connection: Client, seconds: float = 2) -> str:
    """Return the code of the error the connection gets before it is closed."""
    answer = await asyncio.wait_for(connection.answer(), seconds)
    assert await asyncio.wait_for(connection.reader.read(), seconds) == b""
    return str(orjson.loads(answer.body)["error"]["code"])


def limits(**values: Any) -> dict[str, Any]:
    return {"limits": values}


@pytest.mark.parametrize("sent", [b"G", b"GET /v1/x HTTP/1.1\r\nHost: gateway\r\nX: ", b"\r\n"])
async def test_a_head_has_to_end_in_time(sent: bytes) -> None:
    async with gateway(**limits(header_timeout=0.3)) as gw, client(gw.port) as connection:
        await connection.send(sent)
        start = time.monotonic()
        assert await code(connection) == "request_timeout"
        assert 0.2 < time.monotonic() - start < 1.5


async def test_bytes_that_trickle_in_do_not_put_it_off() -> None:
    async with gateway(**limits(header_timeout=0.4)) as gw, client(gw.port) as connection:
        start = time.monotonic()
        trickle = asyncio.ensure_future(slowly(connection, request()[:-4], 0.05))
        assert await code(connection) == "request_timeout"
        assert 0.3 < time.monotonic() - start < 1.5
        trickle.cancel()


async def slowly(connection: Client, data: bytes, pause: float) -> None:
    for byte in data:
        await connection.send(bytes([byte]))
        await asyncio.sleep(pause)


async def test_a_later_head_has_to_end_in_time_too() -> None:
    async with gateway(**limits(header_timeout=0.3)) as gw, client(gw.port) as connection:
        await connection.send(request("/healthz"))
        assert (await connection.answer()).status == 200
        await connection.send(b"GET /hea")
        assert await code(connection) == "request_timeout"


async def test_a_head_in_time_is_served() -> None:
    async with gateway(**limits(header_timeout=5)) as gw, client(gw.port) as connection:
        for _ in range(2):
            await slowly(connection, request("/healthz"), 0.002)
            assert (await connection.answer()).status == 200


async def test_a_connection_that_never_sends_is_closed() -> None:
    async with gateway(listen={"port": 0, "keepalive_timeout": 0.3}) as gw, client(gw.port) as connection:
        start = time.monotonic()
        assert await asyncio.wait_for(connection.reader.read(), 2) == b""
        assert 0.2 < time.monotonic() - start < 1.5


async def test_the_idle_limit_does_not_cut_a_head() -> None:
    async with gateway(listen={"port": 0, "keepalive_timeout": 0.3}) as gw, client(gw.port) as connection:
        await asyncio.sleep(0.2)
        await connection.send(request("/healthz")[:10])
        await asyncio.sleep(0.4)
        await connection.send(request("/healthz")[10:])
        assert (await connection.answer()).status == 200


async def test_a_head_that_grows_too_large_is_refused_before_it_ends() -> None:
    async with gateway(**limits(header_bytes_max=4096)) as gw, client(gw.port) as connection:
        await connection.send(b"GET /v1/x HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        for n in range(6):
            await connection.send(b"X-%d: " % n + b"s" * 1000 + b"\r\n")
            await asyncio.sleep(0.02)
        assert await code(connection) == "malformed_request"


@pytest.mark.parametrize("count", [8, 9])
async def test_headers_are_counted(count: int) -> None:
    async with upstream() as up, gateway(up.url, **limits(headers_max=8)) as gw, client(gw.port) as connection:
        await connection.send(request(headers=[f"X-{n}: 1" for n in range(count - 1)]))
        assert (await connection.answer()).status == (200 if count == 8 else 400)


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("read_whole", [False, True])
async def test_a_body_may_not_pause_too_long(framing: str, read_whole: bool) -> None:
    kind = "Content-Type: application/json" if read_whole else FORM
    async with upstream() as up, gateway(up.url, **limits(body_timeout=0.3)) as gw, client(gw.port) as connection:
        head = f"POST /v1/x HTTP/1.1\r\nHost: gateway\r\n{kind}\r\n{framing}\r\n\r\n"
        await connection.send(head.encode() + (chunk(b"abc") if "chunked" in framing else b"abc"))
        answer = await asyncio.wait_for(connection.answer(), 2)
        assert (answer.status, answer.get("Connection")) == (408, "close")
        assert all(seen.body == b"" for seen in up.seen)
        if not read_whole:
            await asyncio.wait_for(asyncio.sleep(0.1), 1)
            assert up.connections == 1  # the upload that had begun was broken off, not completed


async def test_a_slow_body_that_goes_on_is_read() -> None:
    async with upstream() as up, gateway(up.url, **limits(body_timeout=0.5)) as gw, client(gw.port) as connection:
        await connection.send(HEAD + b"Content-Length: 8\r\n\r\n")
        await slowly(connection, b"abcdefgh", 0.1)
        assert (await connection.answer()).body == b"abcdefgh"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1000, 1001])
async def test_streamed_bodies_have_a_limit_if_one_is_set(chunked: bool, size: int) -> None:
    body = b"x" * size
    async with upstream() as up, gateway(up.url, **limits(body_max=1000)) as gw, client(gw.port) as connection:
        if chunked:
            await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(body) + chunk(b""))
        else:
            await connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % size + body)
        answer = await connection.answer()
        assert answer.status == (200 if size == 1000 else 413)
        assert [seen.body for seen in up.seen if seen.body] == ([body] if size == 1000 else [])


async def test_many_small_chunks_are_not_taken_for_overhead() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"x") * 20_000 + chunk(b""))
        assert (await connection.answer()).body == b"x" * 20_000


async def test_extensions_that_come_one_by_one_are_counted() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n6;")
        for _ in range(5):
            await asyncio.sleep(0.02)
            await connection.send(b"x" * 4000)
        answer = await asyncio.wait_for(connection.answer(), 2)
        assert answer.status == 400


TRAILED = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 99\r\nAuthorization: Bearer secret\r\n\r\n"


async def test_trailers_are_dropped() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(HEAD + TRAILED)
        assert (await connection.answer()).body == b"abc"
        assert (up.seen[0].get("X-Sum"), up.seen[0].get("Authorization")) == (None, None)


async def test_a_trailer_is_no_header_of_the_next_request() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(HEAD + TRAILED + request("/v1/next"))
        assert (await connection.answer()).body == b"abc"
        with suppress(asyncio.IncompleteReadError):
            await connection.answer()
        assert [seen.get("Authorization") for seen in up.seen if seen.target == "/v1/next"] == []


async def test_a_chunked_request_is_the_last_of_its_connection() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"abc") + chunk(b""))
        answer = await connection.answer()
        assert (answer.body, answer.get("Connection")) == (b"abc", "close")
        assert await connection.reader.read() == b""


async def flood(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False))
    while True:
        writer.write(chunk(b"x" * 65536))
        await writer.drain()


async def test_a_client_that_never_reads_is_let_go_and_so_is_its_upstream() -> None:
    let_go = asyncio.Event()

    async def play(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await flood(seen, reader, writer)
        finally:
            let_go.set()

    async with upstream(play) as up, gateway(up.url, **limits(write_timeout=0.5)) as gw, client(gw.port) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        await connection.send(request())
        await asyncio.wait_for(let_go.wait(), 5)
        assert gw.server.active == 0
    assert [line["ended"] for line in gw.log()] == ["client_gone"]


async def test_a_client_that_reads_slowly_is_kept() -> None:
    async with upstream(flood) as up, gateway(up.url, **limits(write_timeout=0.5)) as gw:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", gw.port))
        await loop.sock_sendall(slow, request())
        for _ in range(30):
            await asyncio.sleep(0.1)
            assert await loop.sock_recv(slow, 65536)
        assert not up.gone.is_set()
        slow.close()


async def test_what_is_left_to_send_does_not_keep_a_connection_for_ever() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"x" * 60_000, ["Connection: close"]))

    async with upstream(play) as up, gateway(up.url, **limits(write_timeout=0.5)) as gw:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", gw.port))
        await asyncio.sleep(0.05)
        (transport,) = gw.server._http.open.values()
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await loop.sock_sendall(slow, b"GET /v1/x HTTP/1.0\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.3)
        assert len(gw.server._http.open) == 1
        await asyncio.wait_for(gw.server._http.all_closed.wait(), 4)
        slow.close()


async def test_a_trailer_cannot_frame_anything() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 99\r\n\r\n")
        assert await code(connection) == "malformed_request"
        assert all(seen.body == b"" for seen in up.seen)


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


async def test_a_body_that_is_not_read_does_not_spoil_the_connection() -> None:
    async with gateway() as gw, client(gw.port) as connection:
        await connection.send(request("/nowhere", "POST", body=b"x" * 100_000) + request("/healthz"))
        assert (await connection.answer()).status == 404
        assert (await connection.answer()).status == 200
