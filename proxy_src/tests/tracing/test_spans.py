"""Requests as spans, where a client's text is odd."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind, StatusCode

from hx_gateway.tracing.ended import Ended
from hx_gateway.tracing.spans import span_of

ENDED = Ended(
    ended_at=1_700_000_000_000_000_000,
    duration=0.25,
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    span_id="00f067aa0ba902b7",
    parent_id="",
    request_id="r",
    method="GET",
    target="/v1/models?key=hidden",
    host="gateway.example:4010",
    client="192.0.2.1",
    version=(1, 1),
    model="",
    status=200,
    ended="complete",
    usage=None,
    cache="",
    limit="",
    upstream="",
)


def attributes(**fields: Any) -> dict[str, Any]:
    """Return the attributes of the span, which can be encoded."""
    span = span_of(ENDED._replace(**fields), Resource.create())
    assert encode_spans([span]).SerializeToString()
    return dict(span.attributes or {})


def test_a_span_has_the_ids_and_times_of_its_request() -> None:
    span = span_of(ENDED, Resource.create())
    assert span.context is not None
    assert (span.context.trace_id, span.context.span_id) == (int(ENDED.trace_id, 16), int(ENDED.span_id, 16))
    assert (span.parent, span.kind, span.end_time) == (None, SpanKind.SERVER, ENDED.ended_at)
    assert span.start_time == ENDED.ended_at - 250_000_000


def test_a_parent_is_the_clients() -> None:
    span = span_of(ENDED._replace(parent_id="b7ad6b7169203331"), Resource.create())
    assert span.parent is not None
    assert (span.parent.span_id, span.parent.is_remote) == (0xB7AD6B7169203331, True)


@pytest.mark.parametrize("text", ["\ud800", "/v1/\udcff\udcfe", "\x00\x1b[2J", "é" * 1000])
def test_what_is_not_unicode_spoils_no_batch(text: str) -> None:
    said = attributes(target=text, model=text, request_id=text, host=text)
    assert len(said["url.path"]) <= 256
    assert "server.address" not in said


def test_what_looks_like_a_key_is_not_sent() -> None:
    said = attributes(target="/v1/keys/sk-abcdef", model="sk-abcdef", request_id="sk-abcdef")
    assert "abcdef" not in str(said)
    assert "hidden" not in str(attributes())


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("gateway.example:4010", "gateway.example", 4010),
        ("gateway", "gateway", None),
        ("[2001:db8::1]:80", "[2001:db8::1]", 80),
        ("a b", None, None),
        ("", None, None),
    ],
)
def test_the_host_is_named_if_it_is_one(host: str, address: str | None, port: int | None) -> None:
    said = attributes(host=host)
    assert (said.get("server.address"), said.get("server.port")) == (address, port)


@pytest.mark.parametrize(
    ("status", "ended", "error", "code"),
    [
        (200, "complete", None, StatusCode.UNSET),
        (404, "complete", "404", StatusCode.UNSET),
        (500, "complete", "500", StatusCode.ERROR),
        (499, "client_gone", "client_gone", StatusCode.UNSET),
        (200, "client_gone", "client_gone", StatusCode.UNSET),
        (200, "upstream_broken", "upstream_broken", StatusCode.ERROR),
        (200, "cut", "cut", StatusCode.ERROR),
    ],
)
def test_errors(status: int, ended: str, error: str | None, code: StatusCode) -> None:
    span = span_of(ENDED._replace(status=status, ended=ended), Resource.create())
    assert ((span.attributes or {}).get("error.type"), span.status.status_code) == (error, code)


def test_only_a_post_to_a_model_has_an_operation() -> None:
    assert attributes(target="/v1/embeddings", method="POST")["gen_ai.operation.name"] == "embeddings"
    assert "gen_ai.operation.name" not in attributes(target="/v1/embeddings")
