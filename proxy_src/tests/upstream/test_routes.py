"""Timeouts by path."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from hx_gateway.upstream.routes import timeouts_by_route

from running import configured, gateway
from wire import Seen, ask, reply, request, upstream

ROUTES: list[dict[str, Any]] = [
    {"path": "/v1/embeddings", "timeouts": {"first_byte": 7, "total": 9}},
    {"path": "/v1/audio/*", "timeouts": {"connect": 0}},
    {"path": "/v1/*", "timeouts": {"between_bytes": 8}},
]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/embeddings", (5, 7, 300, 9)),
        ("/v1/embeddings?x=/v1/audio/y", (5, 7, 300, 9)),
        ("/v1/audio/a/b", (0, 600, 300, 0)),
        ("/v1/chat/completions", (5, 600, 8, 0)),
        ("/health/readiness", (5, 600, 300, 0)),
    ],
)
def test_the_first_rule_that_matches_counts(target: str, expected: tuple[float, ...]) -> None:
    of = timeouts_by_route(configured(upstream={"routes": ROUTES}).upstream)
    for _ in range(2):
        timeouts = of(target)
        assert (timeouts.connect, timeouts.first_byte, timeouts.between_bytes, timeouts.total) == expected


@pytest.mark.usefixtures("each_client")
async def test_a_route_has_its_timeouts() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(reply(200, b"ok"))

    settings = {"routes": [{"path": "/v1/short*", "timeouts": {"first_byte": 0.1, "connect": 0.1}}]}
    async with upstream(play) as up, gateway(up.url, upstream=settings) as gw:
        start = time.monotonic()
        assert (await ask(gw.port, request("/v1/shorter"))).status == 504
        assert time.monotonic() - start < 0.45
        assert (await ask(gw.port, request("/v1/x"))).status == 200
