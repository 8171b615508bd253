"""What is read as JSON, what is streamed, and what is too large."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.json_body import JsonBody

from running import gateway
from wire import FORM, ask, chunk, client, request, upstream


async def document(body: bytes, *, method: str = "POST", headers: dict[str, str] | None = None) -> object:
    """Return what the middleware leaves in the request for the others."""
    message = Request(method, "/v1/x", CIMultiDict(headers or {}), BytesBody(body))

    async def call_next(_: Request) -> Response:
        return Response(200, CIMultiDict())

    await JsonBody(1024)(message, call_next)
    assert message.body.take() == body
    return message.document


@pytest.mark.parametrize("kind", ["", "application/json", "application/json; charset=utf-8", "text/plain", "audio/wav"])
async def test_litellm_reads_json_whatever_its_media_type_and_so_does_the_gateway(kind: str) -> None:
    assert await document(b'{"model":"m"}', headers={"Content-Type": kind} if kind else {}) == {"model": "m"}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"1", b"null", b'{"a":NaN}', b"\xff", b'{"a":1} b'])
async def test_what_is_not_an_object_leaves_nothing(body: bytes) -> None:
    assert await document(body) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "multipart/form-data; boundary=b"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_forms_and_coded_bodies_are_not_read(headers: dict[str, str]) -> None:
    assert await document(b'{"model":"m"}', headers=headers) is None


async def test_only_post_is_read() -> None:
    assert await document(b'{"model":"m"}', method="PUT") is None


@pytest.mark.parametrize("framing", ["length", "chunks", "at once"])
async def test_a_body_above_the_limit_is_refused(framing: str) -> None:
    body = b'{"input":"' + b"a" * 200_000 + b'"}'
    if framing == "chunks":
        raw = request("/v1/embeddings", "POST", ["Transfer-Encoding: chunked"]) + chunk(body) + chunk(b"")
    else:
        raw = request("/v1/embeddings", "POST", body=body if framing == "length" else b"a" * 1025)
    async with upstream() as up, gateway(up.url, limits={"body_read_max": 1024}) as gw:
        answer = await ask(gw.port, raw)
        assert answer.status == 413
        assert orjson.loads(answer.body)["error"]["code"] == "request_too_large"
        assert answer.get("Connection") == "close"
        assert up.seen == []


@pytest.mark.parametrize("disabled", [True, False])
async def test_what_nobody_reads_is_streamed_without_limit(disabled: bool) -> None:
    body = b'{"prompt":"' + b"a" * 2000 + b'"}'
    middlewares = {"disable": ["json_body"] if disabled else []}
    async with upstream() as up, gateway(up.url, limits={"body_read_max": 1024}, middlewares=middlewares) as gw:
        headers = [] if disabled else [FORM]
        assert (await ask(gw.port, request("/v1/embeddings", "POST", headers, body))).status == 200
        assert up.seen[0].body == body


async def test_a_body_in_pieces_is_read_whole() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/embeddings", "POST", ["Content-Length: 14"]) + b'{"prom')
        await asyncio.sleep(0.02)
        await connection.send(b'pt":"b"}')
        assert (await connection.answer()).status == 200
        assert orjson.loads(up.seen[0].body) == {"input": "b"}
