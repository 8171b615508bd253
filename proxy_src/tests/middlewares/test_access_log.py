"""One line a request, safe to read and to keep."""

from __future__ import annotations

import asyncio
import json
import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from running import gateway
from wire import ask, chunk, client, reply, request, say, upstream

if TYPE_CHECKING:
    from wire import Seen

STATED = b'{"usage":{"prompt_tokens":7,"completion_tokens":5}}'


async def test_a_line_says_what_happened() -> None:
    async with upstream(say(reply(201, b"hello"))) as up, gateway(up.url) as gw:
        await ask(gw.port, request("/v1/x?api_key=hidden", "POST", ["User-Agent: curl/8", "X-Request-Id: r1"], b"body"))
    (line,) = gw.log()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 <= line.pop("first_byte_ms") <= line.pop("duration_ms") < 5000
    assert re.fullmatch(r"[0-9a-f]{32}", line.pop("trace_id"))
    assert line == {
        "level": "info",
        "event": "request",
        "id": "r1",
        "client": "127.0.0.1",
        "key": None,
        "method": "POST",
        "path": "/v1/x",
        "model": None,
        "status": 201,
        "bytes": 5,
        "first_token_ms": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "estimated": None,
        "cost": None,
        "upstream": f"127.0.0.1:{up.port}",
        "cache": None,
        "limit": None,
        "ended": "complete",
        "user_agent": "curl/8",
    }


async def test_a_line_says_who_asked_which_model_and_what_it_took() -> None:
    answer = reply(200, STATED, ["Content-Type: application/json", "x-litellm-response-cost: 0.5"])
    async with upstream(say(answer)) as up, gateway(up.url) as gw:
        await ask(gw.port, request("/v1/chat/completions", "POST", ["Authorization: Bearer sk-k"], b'{"model":"gpt"}'))
    (line,) = gw.log()
    assert line["key"] == sha256(b"sk-k").hexdigest()[:12]
    assert (line["model"], line["prompt_tokens"], line["completion_tokens"]) == ("gpt", 7, 5)
    assert (line["estimated"], line["cost"], line["first_token_ms"]) == (False, 0.5, None)


async def test_a_stream_has_a_first_token_and_its_tokens_may_be_counted() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = ["Content-Type: text/event-stream", "Transfer-Encoding: chunked"]
        writer.write(reply(200, b"", head, length=False))
        await asyncio.sleep(0.05)
        writer.write(chunk(b"data: {}\n\n") + chunk(b"data: {}\n\n"))
        await asyncio.sleep(0.05)
        writer.write(chunk(b""))

    body = b'{"model":"m","stream":true,"messages":[{"content":"12345678"}]}'
    async with upstream(play) as up, gateway(up.url) as gw:
        await ask(gw.port, request("/v1/chat/completions", "POST", body=body))
    (line,) = gw.log()
    assert line["first_byte_ms"] + 30 <= line["first_token_ms"] <= line["duration_ms"] - 30
    assert (line["prompt_tokens"], line["completion_tokens"], line["estimated"]) == (2, 2, True)


async def test_a_sample_leaves_out_only_what_went_well() -> None:
    async with upstream() as up, gateway(up.url, log={"sample": 0}) as gw:
        for target in ("/v1/a", "/v1/../b", "/elsewhere", "/v1/c"):
            await ask(gw.port, request(target))
        up.play = say(reply(200, b"half", ["Content-Length: 10"], length=False)[:-1])
        async with client(gw.port) as connection:
            await connection.send(request("/v1/left"))
            await connection.head()
            connection.abort()
        await asyncio.sleep(0.05)
    assert [line["path"] for line in gw.log()] == ["/v1/../b", "/elsewhere", "/v1/left"]


async def test_a_sample_is_about_its_share() -> None:
    async with upstream() as up, gateway(up.url, log={"sample": 0.5}) as gw, client(gw.port) as connection:
        for _ in range(200):
            await connection.send(request())
            await connection.answer()
    assert 60 < len(gw.log()) < 140


async def test_nothing_secret_and_no_body_is_logged() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        headers = ["Authorization: Bearer sk-secret1", "Cookie: c=secret2", "User-Agent: x sk-secret3"]
        await ask(gw.port, request("/v1/keys/sk-secret4?k=secret5", "POST", headers, b'{"model":"sk-secret6"}'))
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
