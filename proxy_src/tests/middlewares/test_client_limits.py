"""Requests of one client at a time."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import orjson

from running import gateway
from wire import ask, chunk, client, reply, request, upstream

if TYPE_CHECKING:
    from wire import Seen

TRUSTED = {"trusted_proxies": ["127.0.0.1"]}


async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"x"))
    await asyncio.sleep(30)


async def test_streams_are_counted_by_client_until_they_end() -> None:
    sections = {"limits": {"streams_per_client": 2}, "forwarded": TRUSTED}
    async with upstream(endless) as up, gateway(up.url, **sections) as gw, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(client(gw.port)) for _ in range(2)]
        for stream in streams:
            await stream.send(request(headers=["X-Forwarded-For: 192.0.2.1"]))
            assert (await stream.head()).status == 200
        answer = await ask(gw.port, request(headers=["X-Forwarded-For: 192.0.2.1"]))
        assert (answer.status, answer.get("Retry-After")) == (429, "1")
        assert orjson.loads(answer.body)["error"]["code"] == "too_many_concurrent_requests"
        other = await stack.enter_async_context(client(gw.port))
        await other.send(request(headers=["X-Forwarded-For: 192.0.2.2"]))
        assert (await other.head()).status == 200
        streams[0].abort()
        await asyncio.sleep(0.1)
        again = await stack.enter_async_context(client(gw.port))
        await again.send(request(headers=["X-Forwarded-For: 192.0.2.1"]))
        assert (await again.head()).status == 200
        assert len(up.seen) == 4


async def test_a_host_has_one_share_however_many_addresses_of_ipv6_it_has() -> None:
    sections = {"limits": {"streams_per_client": 1}, "forwarded": TRUSTED}

    async def status(address: str) -> int:
        stream = await stack.enter_async_context(client(gw.port))
        await stream.send(request(headers=[f"X-Forwarded-For: {address}"]))
        return (await stream.head()).status

    async with upstream(endless) as up, gateway(up.url, **sections) as gw, AsyncExitStack() as stack:
        asked = ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.1")
        assert [await status(address) for address in asked] == [200, 429, 200, 200, 429]


async def test_without_a_limit_there_is_none() -> None:
    async with upstream(endless) as up, gateway(up.url) as gw, AsyncExitStack() as stack:
        for _ in range(20):
            stream = await stack.enter_async_context(client(gw.port))
            await stream.send(request())
            assert (await stream.head()).status == 200
