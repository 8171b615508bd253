"""What reaches LiteLLM and what comes back, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import MalformedRequestError
from hx_gateway.forwarder import Forwarder
from hx_gateway.message import BytesBody, Request
from hx_gateway.upstream.factory import make_upstream

from running import configured, gateway
from wire import FORM, ask, chunk, client, echo, read_chunks, reply, request, say, upstream

if TYPE_CHECKING:
    from wire import Seen

pytestmark = pytest.mark.usefixtures("each_client")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_is_forwarded(method: str) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/files/a%20b?x=1&y=%2F", method, ["Authorization: Bearer k"], b"abc"))
        assert (answer.status, answer.body) == (200, b"abc")
        seen = up.seen[0]
        assert (seen.method, seen.target, seen.body) == (method, "/v1/files/a%20b?x=1&y=%2F", b"abc")
        assert seen.all("Authorization") == ["Bearer k"]
        assert seen.all("Host") == [f"127.0.0.1:{up.port}"]


async def test_target_is_sent_as_it_came() -> None:
    target = "/v1/a%7Eb/~c/%C3%A9;p=1/d+e@f:g?q=a+b%20c&r=%25&s=/../x"
    async with upstream() as up, gateway(up.url) as gw:
        await ask(gw.port, request(target))
        assert up.seen[0].target == target


async def test_hop_by_hop_headers_stay_on_their_hop() -> None:
    sent = [
        "Connection: close, X-Mine",
        "X-Mine: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Trailer: X-Sum",
        "Upgrade: h2c",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic x",
        "X-Kept: a",
        "X-Kept: b",
    ]
    back = ["Connection: X-Theirs", "X-Theirs: 1", "Keep-Alive: timeout=9", "Proxy-Authenticate: Basic", "X-Ok: 1"]
    async with upstream(say(reply(200, b"ok", back))) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(headers=sent))
        names = {name.lower() for name, _ in up.seen[0].headers}
        assert names == {"host", "x-kept", "x-request-id", "traceparent", "x-forwarded-for", "x-forwarded-proto"}
        assert up.seen[0].all("X-Kept") == ["a", "b"]
        assert answer.get("X-Ok") == "1"
        for name in ("X-Theirs", "Keep-Alive", "Proxy-Authenticate"):
            assert answer.get(name) is None
        assert answer.all("Connection") == ["close"]


async def test_response_headers_pass_with_duplicates() -> None:
    headers = ["Set-Cookie: a=1", "Set-Cookie: b=2", "Server: uvicorn", "Content-Type: text/plain"]
    async with upstream(say(reply(200, b"ok", headers))) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request())
        assert answer.all("Set-Cookie") == ["a=1", "b=2"]
        assert answer.all("Server") == ["uvicorn"]
        assert answer.all("Content-Type") == ["text/plain"]
        assert answer.all("Content-Length") == ["2"]


async def test_errors_of_the_upstream_pass_unchanged() -> None:
    body = b'{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}'
    async with upstream(say(reply(400, body, ["Content-Type: application/json"]))) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/chat/completions", "POST", body=b"{}"))
        assert (answer.status, answer.body) == (400, body)


async def test_content_codings_pass_both_ways() -> None:
    packed = gzip.compress(b"hello" * 100)
    async with upstream(say(reply(200, packed, ["Content-Encoding: gzip"]))) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/x", "POST", [FORM, "Content-Encoding: gzip"], packed))
        assert up.seen[0].body == packed
        assert up.seen[0].get("Content-Encoding") == "gzip"
        assert up.seen[0].get("Accept-Encoding") is None
        assert (answer.body, answer.get("Content-Encoding")) == (packed, "gzip")


async def test_chunked_request_stays_chunked_and_is_streamed() -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def play(_: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for piece in read_chunks(reader):
            await arrived.put(piece)
        writer.write(reply(200, b"done"))

    async with upstream(play, whole=False) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/files", "POST", [FORM, "Transfer-Encoding: chunked"]) + chunk(b"one"))
        assert await asyncio.wait_for(arrived.get(), 1) == b"one"  # before the client has sent the rest
        await connection.send(chunk(b"two"))
        assert await asyncio.wait_for(arrived.get(), 1) == b"two"
        await connection.send(chunk(b""))
        assert (await connection.answer()).body == b"done"
        assert up.seen[0].get("Content-Length") is None


async def test_body_with_a_length_is_streamed_without_limit() -> None:
    size = 5_000_000

    async def play(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int(seen.get("Content-Length") or 0)
        first = await reader.readexactly(1000)
        assert first == b"a" * 1000
        halfway.set()
        await reader.readexactly(length - 1000)
        writer.write(reply(200, str(length).encode()))

    halfway = asyncio.Event()
    async with upstream(play, whole=False) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/files", "POST", [FORM, f"Content-Length: {size}"]) + b"a" * 200_000)
        await asyncio.wait_for(halfway.wait(), 1)
        await connection.send(b"a" * (size - 200_000))
        assert (await connection.answer()).body == str(size).encode()
        assert up.seen[0].get("Transfer-Encoding") is None


async def test_events_arrive_as_they_are_sent() -> None:
    received: asyncio.Queue[int] = asyncio.Queue()
    sent_at: list[float] = []

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Content-Type: text/event-stream", "Transfer-Encoding: chunked"], length=False))
        for number in range(5):
            assert await received.get() == number  # nothing is sent before the client has what came before
            sent_at.append(time.monotonic())
            writer.write(chunk(b"data: %d\n\n" % number))
        writer.write(chunk(b""))

    async with upstream(play) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/chat/completions", "POST", body=b'{"stream":true}'))
        head = await asyncio.wait_for(connection.head(), 1)  # it does not wait for the first event
        assert head.get("Content-Type") == "text/event-stream"
        await received.put(0)
        delays = []
        async for event in read_chunks(connection.reader):
            delays.append(time.monotonic() - sent_at[-1])
            assert event == b"data: %d\n\n" % (len(delays) - 1)
            await received.put(len(delays))
        assert len(delays) == 5
        assert min(delays) < 0.02  # no Nagle delay, which is 40 ms


@pytest.mark.parametrize("first_byte_sent", [False, True])
async def test_a_client_that_leaves_cancels_the_upstream(first_byte_sent: bool) -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first_byte_sent:
            writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"data: 1\n\n"))
        started.set()
        await asyncio.sleep(30)

    started = asyncio.Event()
    delays = []
    async with upstream(play) as up, gateway(up.url) as gw:
        for _ in range(3):
            started.clear()
            up.gone.clear()
            async with client(gw.port) as connection:
                await connection.send(request("/v1/chat/completions", "POST", body=b"{}"))
                await started.wait()
                if first_byte_sent:
                    await connection.head()
                connection.abort()
                start = time.monotonic()
                await asyncio.wait_for(up.gone.wait(), 1)
                delays.append(time.monotonic() - start)
    assert min(delays) < 0.05
    assert {line["ended"] for line in gw.log()} == {"client_gone"}
    assert {line["status"] for line in gw.log()} == {200 if first_byte_sent else 499}


async def test_head_and_empty_answers() -> None:
    async def play(seen: Seen, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if seen.method == "HEAD":
            writer.write(reply(200, b"", ["Content-Length: 1234", "Content-Type: text/plain"], length=False))
        elif seen.target == "/v1/304":
            writer.write(reply(304, b"", ['ETag: "e"'], length=False))
        else:
            writer.write(reply(204, b"", length=False))

    async with upstream(play) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request(method="HEAD"))
        head = await connection.answer(method="HEAD")
        assert (head.status, head.get("Content-Length"), head.get("Transfer-Encoding")) == (200, "1234", None)
        for target, status in (("/v1/304", 304), ("/v1/204", 204)):  # the same connection: no body was left on it
            await connection.send(request(target))
            answer = await connection.answer()
            assert (answer.status, answer.get("Transfer-Encoding"), answer.get("Content-Length")) == (
                status,
                None,
                None,
            )
        assert up.connections == 1


async def test_connections_are_pooled() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        for _ in range(5):
            await connection.send(request("/v1/x", "POST", body=b"abc"))
            assert (await connection.answer()).body == b"abc"
        assert up.connections == 1


async def test_no_limit_of_connections() -> None:
    everyone_here = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(up.seen) == 150:  # above the 100 that aiohttp allows by default
            everyone_here.set()
        await everyone_here.wait()
        writer.write(reply(200, b"ok"))

    async with upstream(play) as up, gateway(up.url) as gw:
        answers = await asyncio.gather(*(ask(gw.port, request()) for _ in range(150)))
        assert {answer.status for answer in answers} == {200}
        assert up.connections == 150


@pytest.mark.parametrize("value", ["caf\u00e9", "\u00ff\u00fe"])
async def test_header_bytes_that_are_not_utf8_break_nothing(value: str) -> None:
    async with upstream(say(reply(200, b"ok", [f"X-Odd: {value}"]))) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(headers=[f"X-Odd: {value}"]))
        assert (answer.status, answer.body) == (200, b"ok")
        assert up.seen[0].get("X-Odd") is not None
        assert answer.get("X-Odd") is not None


@pytest.mark.parametrize("body", [b"", b"a body"])
async def test_an_ignored_upgrade_is_left_out(body: bytes) -> None:
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/x", "POST", offer, body) + request("/v1/lost")[:30])
        answer = await connection.answer()
        assert (answer.body, answer.get("Connection")) == (body, "close")
        assert await asyncio.wait_for(connection.reader.read(), 2) == b""
        assert [seen.target for seen in up.seen] == ["/v1/x"]
        assert (up.seen[0].get("Upgrade"), up.seen[0].get("HTTP2-Settings")) == (None, None)


async def test_the_upstream_may_answer_before_the_body_is_there() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(401, b"no"))

    async with upstream(play, whole=False) as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/files", "POST", [FORM, "Content-Length: 10000"]) + b"a" * 100)
        assert (await asyncio.wait_for(connection.answer(), 1)).status == 401
        assert len(up.seen) == 1


async def test_a_header_that_would_split_a_message_is_refused() -> None:
    """aiohttp's parser refuses it too; a server in its place might not."""
    message = Request("GET", "/v1/x", CIMultiDict({"X": "a\nHost: b"}), BytesBody(b""))
    async with upstream() as up:
        client = make_upstream(configured(up.url).upstream)
        with pytest.raises(MalformedRequestError):
            await Forwarder(client)(message)
        await client.aclose()
        assert up.seen == []


async def test_echo_is_what_was_sent() -> None:
    body = bytes(range(256)) * 1000
    async with upstream(echo) as up, gateway(up.url) as gw:
        assert (await ask(gw.port, request("/v1/audio", "POST", body=body))).body == body
