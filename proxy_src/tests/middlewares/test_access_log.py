"""One line a request, safe to read and to keep."""

from __future__ import annotations

import json
import os
import re

import orjson

from running import gateway
from wire import ask, reply, request, say, upstream


async def test_a_line_says_what_happened() -> None:
    async with upstream(say(reply(201, b"hello"))) as up, gateway(up.url) as gw:
        await ask(gw.port, request("/v1/x?api_key=hidden", "POST", ["User-Agent: curl/8", "X-Request-Id: r1"], b"body"))
    (line,) = gw.log()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 <= line.pop("first_byte_ms") <= line.pop("duration_ms") < 5000
    assert line == {
        "level": "info",
        "event": "request",
        "id": "r1",
        "client": "127.0.0.1",
        "method": "POST",
        "path": "/v1/x",
        "status": 201,
        "bytes": 5,
        "ended": "complete",
        "user_agent": "curl/8",
    }


async def test_nothing_secret_and_no_body_is_logged() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        headers = ["Authorization: Bearer sk-secret1", "Cookie: c=secret2", "User-Agent: x sk-secret3"]
        await ask(gw.port, request("/v1/keys/sk-secret4?k=secret5", "POST", headers, b"secret6"))
    os.lseek(gw.log_fd, 0, os.SEEK_SET)
    raw = os.read(gw.log_fd, 10_000)
    assert b"secret" not in raw
    assert orjson.loads(raw)["path"] == "/v1/keys/sk-***"


async def test_control_characters_are_escaped() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        await ask(gw.port, request("/v1/x", headers=["User-Agent: \u00c2\u009b31m\u00e9\u0085" + "a" * 500]))
    os.lseek(gw.log_fd, 0, os.SEEK_SET)
    raw = os.read(gw.log_fd, 10_000)
    assert re.fullmatch(rb"[\x20-\x7e]+\n", raw)
    assert len(json.loads(raw)["user_agent"]) == 256


async def test_refused_requests_are_logged() -> None:
    async with gateway() as gw:
        await ask(gw.port, request("/v1/../key"))
        await ask(gw.port, request("/v1/x"))
    assert [(line["path"], line["status"]) for line in gw.log()] == [("/v1/../key", 400), ("/v1/x", 502)]


async def test_left_out_there_is_none() -> None:
    async with gateway(middlewares={"disable": ["access_log"]}) as gw:
        await ask(gw.port, request("/healthz"))
    assert gw.log() == []
