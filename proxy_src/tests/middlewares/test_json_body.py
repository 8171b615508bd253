"""What is read as JSON, what is streamed, and what is too large."""

from __future__ import annotations

import asyncio
import json

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.json_body import JsonBody

from running import gateway
from wire import FORM, ask, chunk, client, request, upstream

FORM_TYPE = {"Content-Type": FORM.partition(": ")[2]}


async def read(
    body: bytes, *, method: str = "POST", target: str = "/v1/x", headers: dict[str, str] | None = None
) -> Request:
    """Return what the middleware passes on."""
    message = Request(method, target, CIMultiDict(headers or {}), BytesBody(body))

    async def call_next(_: Request) -> Response:
        return Response(200, CIMultiDict())

    await JsonBody(2 << 20)(message, call_next)
    assert message.body.take() == body
    return message


async def document(body: bytes, *, method: str = "POST", headers: dict[str, str] | None = None) -> object:
    """Return what the middleware leaves in the request for the others."""
    return (await read(body, method=method, headers=headers)).document


KINDS = [
    "",
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "audio/wav",
    "application/x-form",
    "multipart/form-data-x; boundary=b",
    "multipart/form-data\u00a0",
    "x; multipart/form-data",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_litellm_reads_json_whatever_its_media_type_and_so_does_the_gateway(kind: str) -> None:
    assert await document(b'{"model":"m"}', headers={"Content-Type": kind} if kind else {}) == {"model": "m"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"1", b"null", b"NaN", b"\xff", b'{"a":1} b', b'{"a":"\\ud800"}', b"[" * 99999]
)
async def test_what_is_not_an_object_leaves_nothing(body: bytes) -> None:
    assert await document(body) is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
async def test_what_only_python_reads_is_read_as_litellm_does(value: str) -> None:
    read_so = await read(b'{"model":"m","metadata":{"x":%s}}' % value.encode())
    assert (read_so.model, read_so.needs_python) == ("m", True)
    assert read_so.document is not None
    assert repr(read_so.document["metadata"]["x"]) == repr(json.loads(value))


async def test_litellm_repairs_nothing_large() -> None:
    assert await document(b'{"x":NaN,"a":"' + b"a" * (1 << 20) + b'"}') is None


async def test_what_only_python_reads_only_python_writes() -> None:
    translated = {"default": "both"}
    async with upstream() as up, gateway(up.url, embeddings=translated, cache={"enabled": True}) as gw:
        headers = ["Authorization: Bearer sk-1"]
        answer = await ask(gw.port, request("/v1/embeddings", "POST", headers, b'{"model":"m","input":"a","x":NaN}'))
        assert (answer.status, answer.get("x-hx-cache")) == (200, "bypass")
        assert up.seen[0].body == b'{"model": "m", "input": "a", "x": NaN, "prompt": "a"}'


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "Multipart/Form-Data ;boundary=b"],
)
@pytest.mark.parametrize("coding", [{}, {"Content-Encoding": "gzip"}])
async def test_forms_are_not_read(kind: str, coding: dict[str, str]) -> None:
    assert await document(b'{"model":"m"}', headers={"Content-Type": kind, **coding}) is None


@pytest.mark.parametrize("target", ["/v1/responses", "/v1/completions?a=b", "/v1/embedding%73"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=b"])
async def test_a_form_is_refused_where_it_would_evade_limits(target: str, kind: str) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(target, "POST", [f"Content-Type: {kind}"], b"model=m&input=a"))
        assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (415, "form_refused")
        assert up.seen == []


@pytest.mark.parametrize("target", ["/v1/files", "/v1/audio/transcriptions", "/v1/images/edits"])
async def test_a_form_passes_where_openai_takes_it(target: str) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        assert (await ask(gw.port, request(target, "POST", [FORM], b"--b--"))).status == 200
        assert up.seen[0].body == b"--b--"


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_no_coding_is_none(coding: str) -> None:
    assert await document(b'{"model":"m"}', headers={"Content-Encoding": coding}) == {"model": "m"}


@pytest.mark.parametrize("coding", [["gzip"], ["x"], ["identity", "br"], ["identity, gzip"]])
@pytest.mark.parametrize("kind", ["application/json", "application/x-form"])
async def test_a_coding_of_json_is_refused(coding: list[str], kind: str) -> None:
    headers = [f"Content-Type: {kind}", *(f"Content-Encoding: {value}" for value in coding)]
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/chat/completions", "POST", headers, b'{"model":"m"}'))
        assert (answer.status, answer.get("Accept-Encoding")) == (415, "identity")
        assert orjson.loads(answer.body)["error"]["code"] == "coding_refused"
        assert up.seen == []


@pytest.mark.parametrize("target", ["/v1/traces", "/v1/logs?a=b"])
async def test_telemetry_may_be_coded(target: str) -> None:
    passed = await read(b"packed", target=target, headers={"Content-Encoding": "gzip"})
    assert passed.document is None


QUERIES = [
    ("/v1/chat/completions?model=dear", "dear"),
    ("/v1/chat/completion%73?mod%65l=d%65ar", "dear"),
    ("/v1/completions?a=b&model=cheap&model=dear", "dear"),
    ("/v1/embeddings?model=dear", "dear"),
    ("/v1/images/generations?model=dear", "dear"),
    ("/v1/chat/completions?model=", "cheap"),
    ("/v1/chat/completions?Model=dear", "cheap"),
    ("/v1/chat/completions?a=model=dear", "cheap"),
    ("/v1/responses?model=dear", "cheap"),
]


@pytest.mark.parametrize(("target", "model"), QUERIES)
async def test_a_model_in_the_query_counts_where_litellm_takes_it(target: str, model: str) -> None:
    named = await read(b'{"model":"cheap"}', target=target)
    assert named.model == model
    named.replace_document({"model": "other"})
    assert named.model == (model if model == "dear" else "other")


async def test_a_model_in_the_query_counts_for_a_form_too() -> None:
    assert (await read(b"--b", target="/v1/images/edits?model=dear", headers=FORM_TYPE)).model == "dear"


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
        assert (await ask(gw.port, request("/v1/files", "POST", headers, body))).status == 200
        assert up.seen[0].body == body


async def test_a_body_in_pieces_is_read_whole() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/embeddings", "POST", ["Content-Length: 14"]) + b'{"prom')
        await asyncio.sleep(0.02)
        await connection.send(b'pt":"b"}')
        assert (await connection.answer()).status == 200
        assert orjson.loads(up.seen[0].body) == {"input": "b"}
