"""What is read of the gateway's own parts when somebody asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrape import samples, value

from limits import limit
from redis_server import RedisServer
from running import gateway
from wire import ask, request, upstream

if TYPE_CHECKING:
    from typing import Any

    import pytest


async def shown(**sections: Any) -> list[str]:
    """Return the lines of /metrics."""
    metrics = {"enabled": True, "listen": {"port": 0}}
    async with gateway(metrics=metrics, **sections) as gw:
        answer = await ask(gw.metrics_port, request("/metrics"))
        return answer.body.decode().splitlines()


async def test_where_limits_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"limits": [limit()]}
    assert 'hx_gateway_limits_store{store="off"} 1.0' in await shown()
    assert 'hx_gateway_limits_store{store="memory"} 1.0' in await shown(rate_limits=limits)
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        lines = await shown(rate_limits=limits, redis={"enabled": True})
        assert 'hx_gateway_limits_store{store="redis"} 1.0' in lines
        assert "hx_gateway_redis_up 1.0" in lines
    closed = {**limits, "on_store_failure": "fail_closed"}
    lines = await shown(rate_limits=closed, redis={"enabled": True})
    assert 'hx_gateway_limits_store{store="unavailable"} 1.0' in lines
    assert "hx_gateway_redis_up 0.0" in lines


async def test_redis_is_seen_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        metrics = {"enabled": True, "listen": {"port": 0}}
        async with gateway(redis={"enabled": True}, metrics=metrics) as gw:
            found = await samples(gw.metrics_port)
            assert value(found, "hx_gateway_redis_up") == 1
            assert value(found, "hx_gateway_redis_reconnects_total") == 0
            server.kill()
            async with asyncio.timeout(10):
                while value(found, "hx_gateway_redis_up"):
                    found = await samples(gw.metrics_port)
            server.start()
            async with asyncio.timeout(10):
                while not value(found, "hx_gateway_redis_up"):
                    found = await samples(gw.metrics_port)
            assert value(found, "hx_gateway_redis_reconnects_total") == 1
            assert {"hx_gateway_redis_commands_total", "hx_gateway_redis_pending"} <= found.keys()


async def test_each_upstream_has_its_state() -> None:
    metrics = {"enabled": True, "listen": {"port": 0}}
    async with upstream() as one, upstream() as two:
        async with gateway(one.url, upstream={"more_urls": [two.url]}, metrics=metrics) as gw:
            for _ in range(4):
                await ask(gw.port, request())
            found = await samples(gw.metrics_port)
    for made in (one, two):
        name = f"127.0.0.1:{made.port}"
        assert value(found, "hx_gateway_upstream_requests_total", upstream=name) == 2
        assert value(found, "hx_gateway_upstream_outstanding", upstream=name) == 0
        assert value(found, "hx_gateway_upstream_circuit", upstream=name, state="closed") == 1
        assert value(found, "hx_gateway_upstream_circuit", upstream=name, state="open") == 0
    assert value(found, "hx_gateway_upstream_retries_total") == 0
