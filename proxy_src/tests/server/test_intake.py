"""What clients send, read as HTTP or refused."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from running import gateway
from wire import FORM, ask, chunk, client, request, upstream

CHUNKED = [FORM, "Transfer-Encoding: chunked"]
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
    caplog.set_level("DEBUG", "hx_gateway")
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
        assert "secret" not in caplog.text
    assert [line.get("reason") or line["status"] for line in gw.log()] in (["malformed_request"], [400])


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_connect_and_other_forms_never_reach_the_upstream(version: str) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        raw = f"CONNECT 127.0.0.1:{up.port} HTTP/{version}\r\nHost: 127.0.0.1:{up.port}\r\n\r\n"
        assert (await ask(gw.port, raw.encode())).status == 400
        assert up.seen == []


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(b"".join(request("/v1/x", "POST", body=b"%d" % n) for n in range(20)))
        assert [(await connection.answer()).body for _ in range(20)] == [b"%d" % n for n in range(20)]


async def test_the_body_before_is_no_framing_of_a_chunked_request() -> None:
    first, second = b"a" * 60_000, request("/v1/y", "POST", CHUNKED) + chunk(b"abc") + chunk(b"")
    whole = request("/v1/x", "POST", [FORM], first)
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(whole[:-40_000])
        await asyncio.sleep(0.05)
        await connection.send(whole[-40_000:] + second)
        assert [(await connection.answer()).body for _ in range(2)] == [first, b"abc"]


async def test_the_framing_behind_a_body_is_counted() -> None:
    whole = request("/v1/x", "POST", [FORM], b"a" * 1000)
    second = request("/v1/y", "POST", CHUNKED) + b"3;" + b"x" * 20_000 + b"\r\nabc\r\n"
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(whole[:-500])
        await asyncio.sleep(0.05)
        await connection.send(whole[-500:] + second)
        assert [(await connection.answer()).status for _ in range(2)] == [200, 400]
