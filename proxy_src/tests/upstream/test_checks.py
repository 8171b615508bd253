"""Readiness checks of several servers, and what /readyz makes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from scrape import samples, value
from upstream.several import readiness, settings, upstreams

from running import gateway
from wire import ask, client, echo, request

if TYPE_CHECKING:
    from wire import Seen

pytestmark = pytest.mark.usefixtures("each_client")

CHECKS = {"interval": 0.05, "failures": 2}


def healthy() -> dict[str, str]:
    return {"status": "healthy", "db": "connected"}


async def test_the_body_of_its_readiness_puts_a_server_out_and_in() -> None:
    said = healthy()
    async with upstreams(readiness(200, healthy()), readiness(200, said)) as ups:
        more = settings(ups, checks=CHECKS, slow_start=0, readiness={"cache": 0})
        async with gateway(ups[0].url, upstream=more) as gw:

            async def counted() -> list[int]:
                before = [len([seen for seen in up.seen if seen.target == "/v1/x"]) for up in ups]
                for _ in range(10):
                    await ask(gw.port, request("/v1/x"))
                after = [len([seen for seen in up.seen if seen.target == "/v1/x"]) for up in ups]
                return [b - a for a, b in zip(before, after, strict=True)]

            assert min(await counted()) >= 2
            said["db"] = "disconnected"
            await asyncio.sleep(0.4)
            assert await counted() == [10, 0]
            answer = await ask(gw.port, request("/readyz"))
            assert answer.status == 200
            whole = orjson.loads(answer.body)
            assert (whole["ready"], whole["upstreams"]) == (True, {"ready": 1, "all": 2})
            said["db"] = "connected"
            await asyncio.sleep(0.4)
            assert min(await counted()) >= 2


async def test_one_bad_answer_is_none_and_silence_is_bad() -> None:
    async with upstreams(readiness(200, healthy()), echo) as ups:
        async with gateway(ups[0].url, upstream=settings(ups, checks={"interval": 60, "failures": 2})) as gw:
            await asyncio.sleep(0.1)
            for _ in range(4):
                await ask(gw.port, request("/v1/x"))
            assert len([seen for seen in ups[1].seen if seen.target == "/v1/x"]) == 2
        down = {"more_urls": ["http://127.0.0.1:1"], "checks": CHECKS, "retries": {"attempts": 1}}
        async with gateway(ups[0].url, upstream=down) as gw:
            await asyncio.sleep(0.4)
            for _ in range(6):
                assert (await ask(gw.port, request("/v1/x"))).status == 200


async def test_readyz_is_not_ready_when_none_is() -> None:
    bad = {"status": "healthy", "db": "disconnected"}
    async with upstreams(readiness(503, bad), echo) as ups:
        async with gateway(ups[0].url, upstream=settings(ups)) as gw:
            answer = await ask(gw.port, request("/readyz"))
            said = orjson.loads(answer.body)
            assert (answer.status, said["reason"]) == (503, "LiteLLM has lost its database")
            assert said["upstreams"] == {"ready": 0, "all": 2}


async def test_one_server_is_asked_by_readyz_only() -> None:
    async with upstreams(readiness(200, healthy())) as ups:
        async with gateway(ups[0].url, upstream={"checks": {"interval": 0.02}}) as gw:
            await asyncio.sleep(0.2)
            assert ups[0].seen == []
            assert "upstreams" not in orjson.loads((await ask(gw.port, request("/readyz"))).body)


async def test_a_server_whose_connections_are_all_in_use_is_asked_all_the_same() -> None:
    async def hang(_: Seen, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with upstreams(readiness(200, healthy(), hang), readiness(200, healthy(), hang)) as ups:
        limited = {"max_connections": 1, "readiness": {"timeout": 0.3, "cache": 0}, "checks": CHECKS}
        page = {"enabled": True, "listen": {"port": 0}}
        async with gateway(ups[0].url, upstream=settings(ups, **limited), metrics=page) as gw:
            async with client(gw.port) as one, client(gw.port) as two:
                await one.send(request("/v1/x"))
                await two.send(request("/v1/x"))
                await asyncio.sleep(1)
                found = await samples(gw.metrics_port)
                states = [{"upstream": f"127.0.0.1:{up.port}"} for up in ups]
                assert [value(found, "hx_gateway_upstream_outstanding", **state) for state in states] == [1, 1]
                assert [value(found, "hx_gateway_upstream_healthy", **state) for state in states] == [1, 1]
                answer = await ask(gw.port, request("/readyz"))
                assert orjson.loads(answer.body)["upstreams"] == {"ready": 2, "all": 2}
