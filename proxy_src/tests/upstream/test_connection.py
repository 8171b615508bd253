"""The fast client's connection against upstreams that break the rules, and those that keep odd ones."""

from __future__ import annotations

import asyncio
import time

import pytest

from hx_gateway.errors import UpstreamBrokenError, UpstreamTimeoutError
from upstream.raw import pair, read, send

from wire import chunk, reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_trailers_never_reach_the_answer_that_follows() -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one") + b"0\r\nX-Secret: of the first\r\n\r\n")
        answer = await task
        assert await read(answer) == b"one"
        assert "X-Secret" not in answer.headers
        task = send(client)
        await peer.request()  # on the same connection
        await peer.send(reply(200, b"two"))
        answer = await task
        assert answer.take() == b"two"
        assert dict(answer.headers) == {"Content-Length": "3"}


@pytest.mark.parametrize(
    "more",
    [
        reply(200, b"of another"),
        b"HTTP/1.1 200 OK\r\nX-Begun: y",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ],
)
async def test_what_follows_an_answer_never_answers_the_next_request(more: bytes) -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(reply(200, b"one") + more)
        assert (await task).take() == b"one"
        task = send(client)
        other = await listener.accept()
        await other.request()
        await other.send(reply(200, b"two"))
        assert (await task).take() == b"two"


async def test_data_on_an_idle_connection_closes_it() -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(reply(200, b"one"))
        await task
        await peer.send(reply(200, b"of nobody"))
        assert await asyncio.wait_for(peer.read(), 1) == b""
        task = send(client)
        other = await listener.accept()
        await other.request()
        await other.send(reply(200, b"two"))
        assert (await task).take() == b"two"


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX-Split: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"a" * 9000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" + b"and more that is not HTTP",
        b"HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/2 200\r\n\r\n",
        b"<html>\r\n\r\n",
    ],
)
async def test_broken_framing(broken: bytes) -> None:
    async with pair() as (client, listener):
        task = send(client, "POST", b"abc")
        peer = await listener.accept()
        await peer.read()
        await peer.send(broken)
        with pytest.raises(UpstreamBrokenError):
            await asyncio.wait_for(task, 1)
        assert await asyncio.wait_for(peer.read(), 1) == b""


@pytest.mark.parametrize(
    "bad", [b"zz\r\n", b"-1\r\n\r\n", b"3\r\nabcd\r\n", b"ffffffffffffffffff\r\n", b"3 x\r\nabc\r\n"]
)
async def test_bad_chunks(bad: bytes) -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer = await task
        pieces = aiter(answer)
        assert await anext(pieces) == b"one"
        await peer.send(bad)
        with pytest.raises(UpstreamBrokenError):
            async with asyncio.timeout(1):
                while True:
                    await anext(pieces)
        assert await asyncio.wait_for(peer.read(), 1) == b""


@pytest.mark.parametrize("head", [b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n", b""])
async def test_killed_in_the_middle(head: bytes) -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + (b"3\r\nab" if b"chunked" in head else b"ab"))
        answer = await task
        pieces = aiter(answer)
        assert await anext(pieces) == b"ab"
        peer.reset()  # without any framing too: only a clean end is an end
        with pytest.raises(UpstreamBrokenError):
            await asyncio.wait_for(anext(pieces), 1)


async def test_an_answer_that_ends_with_the_connection() -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nab")
        answer = await task
        assert answer.take() is None
        await peer.send(b"cd")
        peer.close()
        assert await read(answer) == b"abcd"


async def test_byte_by_byte() -> None:
    data = b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + CHUNKED + chunk(b"one") + chunk(b"two") + b"0\r\nT: 1\r\n\r\n"
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()

        async def drip() -> None:
            for byte in data:
                await peer.send(bytes([byte]))
                await asyncio.sleep(0.001)

        dripping = asyncio.ensure_future(drip())
        answer = await task
        assert (answer.status, await read(answer), "Link" in answer.headers) == (200, b"onetwo", False)
        await dripping
        send(client).add_done_callback(lambda task: task.exception())
        assert await asyncio.wait_for(peer.request(), 1)  # the connection was kept


async def test_interim_answers_do_not_move_the_deadline() -> None:
    async with pair(timeouts={"first_byte": 0.2}) as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        start = time.monotonic()
        while not task.done() and time.monotonic() - start < 2:
            await peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(0.02)
        with pytest.raises(UpstreamTimeoutError):
            await task
        assert 0.15 < time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 No\r\nContent-Length: 12\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_answers_without_a_body_leave_the_connection_usable(method: str, head: bytes) -> None:
    async with pair() as (client, listener):
        task = send(client, method)
        peer = await listener.accept()
        await peer.request()
        await peer.send(head)
        answer = await task
        assert (answer.take(), await read(answer)) == (None, b"")
        for body in (b"a", b"b"):
            task = send(client)
            await peer.request()
            await peer.send(reply(200, body))
            assert (await task).take() == body


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"])
async def test_connections_that_the_upstream_will_not_keep(head: bytes) -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(head + b"Content-Length: 2\r\n\r\nok")
        assert (await task).take() == b"ok"
        assert await asyncio.wait_for(peer.read(), 1) == b""


async def test_a_slow_reader_stops_the_upstream() -> None:
    piece = b"x" * 65536
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED)
        sent = 0

        async def pour() -> None:
            nonlocal sent
            while sent < 200 * len(piece):
                await peer.send(chunk(piece))
                sent += len(piece)
            await peer.send(chunk(b""))

        pouring = asyncio.ensure_future(pour())
        answer = await task
        await asyncio.sleep(0.3)
        held = sent
        await asyncio.sleep(0.2)
        assert sent == held < 150 * len(piece)  # what the kernel's buffers take, and no more
        assert len(await read(answer)) == 200 * len(piece)
        await pouring


async def test_a_slow_reader_is_not_a_slow_upstream() -> None:
    async with pair(timeouts={"between_bytes": 0.2}) as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        pieces = aiter(await task)
        assert await anext(pieces) == b"one"
        await asyncio.sleep(0.5)  # nobody waits for the upstream meanwhile
        await peer.send(chunk(b"two") + chunk(b""))
        assert await anext(pieces) == b"two"


@pytest.mark.parametrize("answered", [False, True])
async def test_whoever_leaves_closes_the_connection_at_once(answered: bool) -> None:
    async with pair() as (client, listener):
        delays: list[float] = []
        for _ in range(5):
            task = send(client, "POST", b"abc")
            peer = await listener.accept()
            await peer.read()
            if answered:
                await peer.send(CHUNKED + chunk(b"one"))
                answer = await task
                start = time.monotonic()
                await answer.aclose()
            else:
                start = time.monotonic()
                task.cancel()
            assert await asyncio.wait_for(peer.read(), 1) == b""
            delays.append(time.monotonic() - start)
        assert min(delays) < 0.005
