"""How many connections there may be."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from running import gateway
from wire import Client, client, request


@pytest.mark.parametrize(
    ("limit", "status", "code"),
    [("connections", 503, "overloaded"), ("connections_per_client", 429, "too_many_connections")],
)
async def test_above_the_limit_they_are_refused(limit: str, status: int, code: str) -> None:
    async with gateway(limits={limit: 3}) as gw, AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(client(gw.port)) for _ in range(3)]
        for connection in kept:
            await served(connection)
        for _ in range(5):
            async with client(gw.port) as refused:
                await refused.send(request("/healthz"))
                answer = await asyncio.wait_for(refused.answer(), 2)
                assert (answer.status, answer.get("Retry-After"), answer.get("Connection")) == (status, "1", "close")
                assert orjson.loads(answer.body)["error"]["code"] == code
                assert await asyncio.wait_for(refused.reader.read(), 3) == b""
        for connection in kept:
            await served(connection)
        kept[0].abort()
        await asyncio.sleep(0.1)
        async with client(gw.port) as fitting:
            await served(fitting)


async def test_trusted_proxies_bring_many_clients() -> None:
    trusted = {"trusted_proxies": ["127.0.0.0/8"]}
    sections: dict[str, Any] = {"limits": {"connections_per_client": 1}, "forwarded": trusted}
    async with gateway(**sections) as gw, client(gw.port) as one, client(gw.port) as two:
        await served(one)
        await served(two)


async def served(connection: Client) -> None:
    await connection.send(request("/healthz"))
    assert (await connection.answer()).status == 200
