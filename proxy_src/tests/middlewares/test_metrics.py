"""What requests leave in the metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict
from prometheus_client import CollectorRegistry, generate_latest

from hx_gateway.config.metrics import MetricsSection
from hx_gateway.message import BytesBody, Request
from hx_gateway.metrics.requests import RequestMetrics
from hx_gateway.outcome import Usage
from scrape import samples, value

from running import gateway
from wire import ask, chunk, client, reply, request, say, upstream

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from running import Gateway
    from wire import Seen

CHAT = "/v1/chat/completions"
JSON = ["Content-Type: application/json"]
STATED = b'{"usage":{"prompt_tokens":7,"completion_tokens":5}}'


def measured(url: str = "http://127.0.0.1:1", **section: Any) -> AbstractAsyncContextManager[Gateway]:
    return gateway(url, metrics={"enabled": True, "listen": {"port": 0}, **section})


async def test_requests_are_counted_by_what_became_of_them() -> None:
    async with upstream(say(reply(200, STATED, [*JSON, "x-litellm-response-cost: 0.5"]))) as up, measured(up.url) as gw:
        for _ in range(2):
            await ask(gw.port, request(CHAT, "POST", body=b'{"model":"m"}'))
        up.play = say(reply(429, b"{}", JSON))
        await ask(gw.port, request(CHAT, "POST", body=b'{"model":"m"}'))
        await ask(gw.port, request("/v1/../x"))
        await ask(gw.port, request("/v1/files/abc", "DELETE"))
        await ask(gw.port, request("/v1/models", "PROPFIND"))
        found = await samples(gw.metrics_port)
    total = "hx_gateway_requests_total"
    assert value(found, total, method="POST", route=CHAT, model="m", status="2xx", ended="complete") == 2
    assert value(found, total, method="POST", route=CHAT, model="m", status="4xx") == 1
    assert value(found, total, method="GET", route="other", model="", status="4xx") == 1
    assert value(found, total, method="DELETE", route="/v1/files/...", status="4xx") == 1
    assert value(found, total, method="other", route="/v1/models") == 1
    duration = "gen_ai_server_request_duration_seconds"
    labels = {"gen_ai_operation_name": "chat", "gen_ai_request_model": "m"}
    assert value(found, f"{duration}_count", error_type="", **labels) == 2
    assert value(found, f"{duration}_count", error_type="429", **labels) == 1
    assert 0 < value(found, f"{duration}_sum", error_type="", **labels) < 5
    assert value(found, "hx_gateway_tokens_total", kind="input", model="m", estimated="false") == 14
    assert value(found, "hx_gateway_tokens_total", kind="output", model="m", estimated="false") == 10
    assert value(found, "gen_ai_client_token_usage_bucket", gen_ai_token_type="input", le="4.0") == 0
    assert value(found, "gen_ai_client_token_usage_bucket", gen_ai_token_type="input", le="16.0") == 2
    assert value(found, "hx_gateway_cost_usd_total", model="m") == 1
    assert value(found, "http_server_active_requests") == 0


async def test_what_is_under_way_is_seen_and_then_gone() -> None:
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = ["Content-Type: text/event-stream; charset=utf-8", "Transfer-Encoding: chunked"]
        writer.write(reply(200, b"", head, length=False))
        await asyncio.sleep(0.05)
        writer.write(chunk(b"data: {}\n\n"))
        await go_on.wait()
        writer.write(chunk(b"data: {}\n\n") + chunk(b""))

    body = b'{"model":"m","stream":true,"messages":[{"content":"12345678"}]}'
    async with upstream(play) as up, measured(up.url) as gw:
        async with client(gw.port) as first, client(gw.port) as second:
            for connection in (first, second):
                await connection.send(request(CHAT, "POST", body=body))
                await connection.head()
            await asyncio.sleep(0.1)
            found = await samples(gw.metrics_port)
            assert (value(found, "hx_gateway_streams_open"), value(found, "http_server_active_requests")) == (2, 2)
            second.abort()
            await asyncio.sleep(0.05)
            assert value(await samples(gw.metrics_port), "hx_gateway_streams_open") == 1
            go_on.set()
            await first.reader.readuntil(b"0\r\n\r\n")
        found = await samples(gw.metrics_port)
    assert (value(found, "hx_gateway_streams_open"), value(found, "http_server_active_requests")) == (0, 0)
    assert value(found, "gen_ai_server_time_to_first_token_seconds_count") == 2
    assert value(found, "gen_ai_server_time_to_first_token_seconds_bucket", le="0.04") == 0
    assert value(found, "hx_gateway_tokens_total", kind="output", estimated="true") == 3
    assert value(found, "hx_gateway_requests_total", ended="client_gone", status="2xx") == 1


async def test_clients_cannot_make_labels() -> None:
    async with upstream(say(reply(401, b"{}", JSON))) as up, measured(up.url, models=["known"]) as gw:
        for number in range(50):
            await ask(gw.port, request(f"/v1/made-up-{number}", "POST", body=b'{"model":"made-up-%d"}' % number))
        await ask(gw.port, request(CHAT, "POST", body=b'{"model":"known"}'))
        found = await samples(gw.metrics_port)
    assert {dict(labels)["model"] for labels in found["hx_gateway_requests_total"]} == {"other", "known"}
    assert len(found["hx_gateway_requests_total"]) == 2


async def test_off_there_is_no_port_and_nothing_is_measured() -> None:
    async with gateway() as gw:
        assert gw.metrics_port == 0
        assert (await ask(gw.port, request("/metrics"))).status == 404


def test_limits_and_caches_are_named() -> None:
    registry = CollectorRegistry(auto_describe=False)
    metrics = RequestMetrics(registry, MetricsSection(enabled=True))
    asked = Request("POST", CHAT, CIMultiDict(), BytesBody(b""))
    asked.outcome.status = 429
    asked.outcome.limit = "per-key"
    metrics.ended(asked, asked.outcome)
    asked.outcome.status, asked.outcome.limit, asked.outcome.cache = 200, "", "hit"
    asked.outcome.usage = Usage(1, 2, estimated=True)
    metrics.ended(asked, asked.outcome)
    text = generate_latest(registry).decode()
    assert 'hx_gateway_limit_refusals_total{limit="per-key"} 1.0' in text
    assert 'cache="hit"' in text
