"""What never becomes a request of the pipeline: one line and one count each, and no byte of it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from scrape import samples, value

from running import gateway
from wire import client, request

if TYPE_CHECKING:
    from running import Gateway

METRICS = {"enabled": True, "listen": {"port": 0}}
LIMITS = {"header_timeout": 0.2, "body_max": 1000, "connections_per_client": 1}

REFUSED = [
    (b"secret\r\n\r\n", 400, "malformed_request"),
    (b"GET /v1/secret HTTP/1.1\r\nHost: a\r\nX: " + b"s" * 20_000 + b"\r\n\r\n", 400, "malformed_request"),
    (b"GET /v1/secret HTTP/2.0\r\nHost: a\r\n\r\n", 400, "malformed_request"),
    (b"GET /v1/secret HTTP/1.1\r\nHost: a\r\n", 408, "request_timeout"),
    (b"TRACE /v1/secret HTTP/1.1\r\nHost: a\r\n\r\n", 400, "method_refused"),
    (request("/v1/secret", headers=["Upgrade: secret"]), 400, "upgrade_refused"),
    (request("/v1/secret", headers=["Expect: secret"]), 417, "expectation_failed"),
    (request("/v1/secret", "POST", body=b"secret" * 1000), 413, "request_too_large"),
]


async def counted(gw: Gateway, reason: str) -> float:
    return value(await samples(gw.metrics_port), "hx_gateway_refusals_total", reason=reason)


def said(gw: Gateway) -> list[dict[str, Any]]:
    """Return the lines of the log, which hold nothing of what was sent."""
    os.lseek(gw.log_fd, 0, os.SEEK_SET)
    assert b"secret" not in os.read(gw.log_fd, 1 << 20)
    return gw.log()


@pytest.mark.parametrize(("sent", "status", "reason"), REFUSED)
async def test_each_has_a_line_and_is_counted(sent: bytes, status: int, reason: str) -> None:
    async with gateway(limits=LIMITS, metrics=METRICS) as gw:
        async with client(gw.port) as connection:
            await connection.send(sent)
            answer = await asyncio.wait_for(connection.answer(), 5)
            assert answer.status == status
        assert await counted(gw, reason) == 1
        assert "hx_gateway_requests_total" not in await samples(gw.metrics_port)
    (line,) = said(gw)
    assert (line["event"], line["client"], line["reason"]) == ("refused", "127.0.0.1", reason)
    assert (line["status"], line["id"]) == (status, answer.get("x-request-id"))


async def test_so_has_a_connection_too_many() -> None:
    async with gateway(limits=LIMITS, metrics=METRICS) as gw, client(gw.port), client(gw.port) as refused:
        assert (await asyncio.wait_for(refused.answer(), 5)).status == 429
        assert await counted(gw, "too_many_connections") == 1
    (line,) = said(gw)
    assert (line["reason"], line["status"]) == ("too_many_connections", 429)


async def test_a_request_of_the_pipeline_is_none_of_them() -> None:
    async with gateway(metrics=METRICS) as gw:
        async with client(gw.port) as connection:
            await connection.send(request("/v1/../x"))
            assert (await connection.answer()).status == 400
        assert "hx_gateway_refusals_total" not in await samples(gw.metrics_port)
    assert [line["event"] for line in gw.log()] == ["request"]


@pytest.mark.parametrize(("left_out", "lines", "count"), [("access_log", 0, 1), ("metrics", 1, 0)])
async def test_who_is_left_out_reports_nothing(left_out: str, lines: int, count: int) -> None:
    async with gateway(metrics=METRICS, middlewares={"disable": [left_out]}) as gw:
        async with client(gw.port) as connection:
            await connection.send(b"secret\r\n\r\n")
            assert (await connection.answer()).status == 400
        assert await counted(gw, "malformed_request") == count
    assert len(said(gw)) == lines


async def test_a_flood_has_few_lines_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hx_gateway.refusal_log._A_SECOND", 1)
    async with gateway(metrics=METRICS) as gw:
        for _ in range(50):
            async with client(gw.port) as connection:
                await connection.send(b"secret\r\n\r\n")
                assert (await connection.answer()).status == 400
        assert await counted(gw, "malformed_request") == 50
    assert 0 < len(said(gw)) < 50
