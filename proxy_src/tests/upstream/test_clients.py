"""Both upstream clients: timeouts, broken upstreams, and what happens to the client's stream then."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import orjson
import pytest

from running import gateway
from wire import FORM, ask, chunk, client, read_chunks, reply, request, say, upstream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wire import Answer, Seen

pytestmark = pytest.mark.usefixtures("each_client")

CHUNKED = reply(200, b"", ["Transfer-Encoding: chunked"], length=False)


def code(answer: Answer) -> str:
    """Return the error's code, having checked its shape."""
    error = orjson.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code", "request_id"}
    assert error["request_id"] == answer.get("x-request-id")
    return str(error["code"])


def closed_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def sleep(*_: object) -> None:
    await asyncio.sleep(30)


async def test_nobody_listens() -> None:
    async with gateway(f"http://127.0.0.1:{closed_port()}") as gw:
        for body in (b"", b"abc"):
            answer = await ask(gw.port, request("/v1/x", "POST", body=body))
            assert (answer.status, code(answer)) == (502, "upstream_unreachable")


async def test_name_that_does_not_exist() -> None:
    async with gateway("http://no-such-host.invalid:4000") as gw:
        answer = await ask(gw.port, request())
        assert (answer.status, code(answer)) == (502, "upstream_unreachable")


@pytest.mark.parametrize("body", [b"", b"abc"])
async def test_connecting_takes_too_long(body: bytes) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # one connection fills the queue, the next one waits
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            timeouts = {"connect": 0.2, "first_byte": 30}
            async with gateway(f"http://127.0.0.1:{port}", upstream={"timeouts": timeouts}) as gw:
                answer = await ask(gw.port, request("/v1/x", "POST", body=body))
                assert (answer.status, code(answer)) == (504, "upstream_timeout")


@pytest.mark.parametrize("body", [b"", b"abc", b"in two pieces"])
@pytest.mark.parametrize("timeouts", [{"first_byte": 0.2}, {"total": 0.2}, {"connect": 0, "first_byte": 0.2}])
async def test_the_answer_does_not_begin(timeouts: dict[str, float], body: bytes) -> None:
    timeouts = {"connect": 1, **timeouts}
    async with upstream(sleep) as up, gateway(up.url, upstream={"timeouts": timeouts}) as gw:
        start = time.monotonic()
        async with client(gw.port) as connection:
            raw = request("/v1/x", "POST", body=body)
            await connection.send(raw[:-6])
            await asyncio.sleep(0.05)
            await connection.send(raw[-6:])
            answer = await connection.answer()
        assert (answer.status, code(answer)) == (504, "upstream_timeout")
        assert 0.15 < time.monotonic() - start < 5
        await asyncio.wait_for(up.gone.wait(), 1)


async def test_a_slow_client_is_not_a_slow_upstream() -> None:
    async with upstream() as up, gateway(up.url, upstream={"timeouts": {"first_byte": 0.6}}) as gw:
        async with client(gw.port) as connection:
            await connection.send(request("/v1/x", "POST", ["Content-Length: 6"]) + b"abc")
            await asyncio.sleep(1)
            await connection.send(b"def")
            answer = await connection.answer()
            assert (answer.status, answer.body) == (200, b"abcdef")


async def test_an_upstream_that_stops_reading_is_slow() -> None:
    async with upstream(sleep, whole=False) as up, gateway(up.url, upstream={"timeouts": {"first_byte": 0.3}}) as gw:
        async with client(gw.port) as connection:
            size = 20_000_000
            await connection.send(request("/v1/x", "POST", [f"Content-Length: {size}"]))
            connection.writer.write(b"a" * size)
            answer = await connection.answer()
            assert (answer.status, code(answer)) == (504, "upstream_timeout")


@pytest.mark.parametrize("timeouts", [{"between_bytes": 0.2}, {"total": 0.3}, {"total": 5, "between_bytes": 0.2}])
async def test_the_answer_stops(timeouts: dict[str, float]) -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"one"))
        await asyncio.sleep(30)

    async with upstream(play) as up, gateway(up.url, upstream={"timeouts": timeouts}) as gw:
        async with client(gw.port) as connection:
            await connection.send(request())
            assert (await connection.head()).status == 200
            pieces = []
            with pytest.raises(asyncio.IncompleteReadError):
                async for piece in read_chunks(connection.reader):
                    pieces.append(piece)
            assert pieces == [b"one"]
        await asyncio.wait_for(up.gone.wait(), 1)
    assert (gw.log()[0]["ended"], gw.log()[0]["bytes"]) == ("upstream_broken", 3)


async def test_pauses_below_the_limit_are_fine() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        for _n in range(5):
            await asyncio.sleep(0.3)
            writer.write(chunk(b"x"))
        writer.write(chunk(b""))

    async with upstream(play) as up, gateway(up.url, upstream={"timeouts": {"between_bytes": 1}}) as gw:
        assert (await ask(gw.port, request())).body == b"xxxxx"


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        (CHUNKED + chunk(b"one"), b"one"),
        (CHUNKED + b"5\r\non", b"on"),
        (CHUNKED + chunk(b"one") + b"zz\r\n", b"one"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\none", b"one"),
    ],
)
async def test_an_answer_that_breaks_off_is_not_ended_cleanly(broken: bytes, seen: bytes) -> None:
    async with upstream(dying(broken, pause=0.05)) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request())
        raw = await connection.reader.read()
        head, _, body = raw.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert seen in body
        assert not body.endswith(b"0\r\n\r\n")
        if b"Content-Length" in head:
            assert body == seen


async def test_an_answer_whose_body_never_begins_is_not_ended_cleanly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "hx_gateway")
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    async with upstream(dying(broken, pause=0.1)) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request())
        assert not (await connection.reader.read()).endswith(b"\r\n\r\n" + b"x" * 10)
    assert [line["ended"] for line in gw.log()] == ["upstream_broken"]
    assert [record.message for record in caplog.records] == ["upstream_broken"]


async def test_an_answer_without_framing_that_is_cut_resets_an_old_client() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"one"))
        await asyncio.sleep(0.1)
        writer.close()

    async with upstream(play) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(b"GET /v1/x HTTP/1.0\r\nHost: gateway\r\n\r\n")
        head = await connection.head()
        assert head.get("Transfer-Encoding") is None  # HTTP/1.0 has no chunks: the end of the connection is the end
        with pytest.raises(ConnectionResetError):
            while await connection.reader.read(100):
                pass


async def test_an_answer_that_ends_with_the_connection_is_whole() -> None:
    async with upstream(dying(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as up, gateway(up.url) as gw:
        assert (await ask(gw.port, request())).body == b"all of it"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_not_an_answer(broken: bytes) -> None:
    async with upstream(dying(broken)) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/x", "POST", body=b"abc"))
        assert (answer.status, code(answer)) == (502, "upstream_broken")


async def test_informational_answers_are_skipped() -> None:
    data = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + reply(200, b"ok")
    async with upstream(say(data)) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request())
        assert (answer.status, answer.body, answer.get("Link")) == (200, b"ok", None)


async def test_redirects_and_cookies_are_the_clients_business() -> None:
    data = reply(307, b"", ["Location: http://127.0.0.1:1/v1/y", "Set-Cookie: a=1"])
    async with upstream(say(data)) as up, gateway(up.url) as gw:
        for _ in range(2):
            answer = await ask(gw.port, request())
            assert (answer.status, answer.get("Location")) == (307, "http://127.0.0.1:1/v1/y")
        assert [seen.get("Cookie") for seen in up.seen] == [None, None]


async def test_half_a_body_is_never_sent_again() -> None:
    """A PUT on a connection that turns out to be dead is not repeated with what is left of its body."""
    calls = 0

    async def play(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            writer.write(reply(200, b"ok"))
            return
        await reader.readexactly(5)
        writer.transport.abort()
        await asyncio.sleep(30)

    async with upstream(play, whole=False) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request())
        await connection.answer()
        await connection.send(request("/v1/x", "PUT", ["Content-Length: 10"]) + b"abcde")
        await asyncio.sleep(0.1)
        await connection.send(b"fghij")
        answer = await connection.answer()
        assert (answer.status, code(answer)) == (502, "upstream_broken")
        assert [seen.method for seen in up.seen].count("PUT") <= 2
        assert up.seen[-1].body == b""


async def test_a_malformed_body_is_the_clients_fault() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        head = request("/v1/files", "POST", ["Transfer-Encoding: chunked"])
        await connection.send(head + chunk(b"one"))
        await asyncio.sleep(0.1)
        await connection.send(b"zz\r\n")
        answer = await connection.answer()
        assert (answer.status, code(answer)) == (400, "malformed_request")


@pytest.mark.parametrize("more", [b"", chunk(b"x" * 200), b"zz\r\n"], ids=["pauses", "too large", "malformed"])
async def test_a_body_that_fails_ends_the_answer_that_has_begun(more: bytes) -> None:
    closed = asyncio.Event()

    async def play(_: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"one"))
        await reader.read()
        closed.set()

    limits = {"body_timeout": 0.3, "body_max": 100}
    async with upstream(play, whole=False) as up, gateway(up.url, limits=limits) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/files", "POST", [FORM, "Transfer-Encoding: chunked"]) + chunk(b"a"))
        assert (await connection.head()).status == 200
        pieces = read_chunks(connection.reader)
        assert await anext(pieces) == b"one"
        await connection.send(more)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(anext(pieces), 2)
        await asyncio.wait_for(closed.wait(), 1)
        assert gw.server.active == 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_rest_of_a_body_that_is_not_wanted_is_taken(streamed: bool) -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"no") + chunk(b"") if streamed else reply(401, b"no"))

    async with upstream(play, whole=False) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/files", "POST", [FORM, "Content-Length: 300000"]) + b"a" * 100)
        answer = await asyncio.wait_for(connection.answer(), 2)
        assert (answer.body, answer.get("Connection")) == (b"no", None)
        await asyncio.sleep(0.1)
        await connection.send(b"a" * 299_900 + request("/healthz"))
        assert (await asyncio.wait_for(connection.answer(), 2)).status == 200
        assert len(up.seen) == 1


async def test_waiting_for_a_connection_is_no_connect_timeout() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.6)
        writer.write(reply(200, b"ok"))

    settings = {"max_connections": 1, "timeouts": {"connect": 0.5}}
    async with upstream(play) as up, gateway(up.url, upstream=settings) as gw:
        answers = await asyncio.gather(*(ask(gw.port, request("/v1/x", "POST", body=b"a")) for _ in range(3)))
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert up.connections == 1


def dying(
    data: bytes, *, pause: float = 0
) -> Callable[[Seen, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Send `data`, the body after a pause, and close."""

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, end, body = data.partition(b"\r\n\r\n")
        writer.write(head + end)
        await asyncio.sleep(pause)
        writer.write(body)
        writer.close()

    return play
