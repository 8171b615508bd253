"""How many connections there may be."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from hx_gateway.server.connection import Connection

from running import gateway
from wire import Client, client, request, until

if TYPE_CHECKING:
    from hx_gateway.server.connections import ConnectionServer


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


class From(Connection):
    """A connection whose client seems to have another address: a machine that tests has one of IPv6 at the most."""

    def __init__(self, server: ConnectionServer, address: str) -> None:
        super().__init__(server, asyncio.get_running_loop())
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.BaseTransport", Seeming(transport, self._address)))


class Seeming:
    """A transport with another address at its other end."""

    def __init__(self, transport: asyncio.BaseTransport, address: str) -> None:
        self._transport = transport
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def get_extra_info(self, name: str) -> Any:
        return (self._address, 1, 0, 0) if name == "peername" else self._transport.get_extra_info(name)


async def test_a_host_has_one_share_however_many_addresses_of_ipv6_it_has() -> None:
    sections: dict[str, Any] = {
        "limits": {"connections_per_client": 2},
        "forwarded": {"trusted_proxies": ["2001:db8::1"]},
    }
    asked = ["2001:db8::1"] * 3 + ["2001:db8::2", "2001:db8::ffff:3", "2001:db8::4", "2001:db8:0:1::2"]
    asked += ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"]
    addresses = iter(asked)
    statuses = []
    async with gateway(**sections) as gw, AsyncExitStack() as stack:
        http = gw.server._http
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: From(http, next(addresses)), "127.0.0.1", 0)
        stack.callback(server.close)
        for _ in asked:
            connection = await stack.enter_async_context(client(server.sockets[0].getsockname()[1]))
            await connection.send(request("/healthz"))
            statuses.append((await connection.answer()).status)
        assert statuses == [200] * 5 + [429, 200, 200, 200, 429, 200]
        await stack.aclose()
        await until(lambda: not http.open)
        assert http._per_client == {}


async def served(connection: Client) -> None:
    await connection.send(request("/healthz"))
    assert (await connection.answer()).status == 200
