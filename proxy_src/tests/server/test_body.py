"""Bodies of clients: asked for, and taken."""

from __future__ import annotations

import asyncio

from multidict import CIMultiDict

from hx_gateway.message import Request, Response, read_all
from hx_gateway.middleware import ServiceState
from hx_gateway.server import GatewayServer

from running import configured, gateway
from wire import ask, client, request, upstream


async def test_expect_100_continue() -> None:
    async with upstream() as up, gateway(up.url) as gw, client(gw.port) as connection:
        for target in ("/v1/files", "/v1/embeddings"):
            await connection.send(request(target, "POST", ["Expect: 100-Continue", "Content-Length: 3"]))
            assert (await asyncio.wait_for(connection.head(), 1)).status == 100
            await connection.send(b"abc")
            assert (await connection.answer()).body == b"abc"
        assert up.seen[0].get("Expect") is None


async def test_a_refused_request_is_not_told_to_continue() -> None:
    async with gateway() as gw, client(gw.port) as connection:
        await connection.send(request("/nowhere", "POST", ["Expect: 100-continue", "Content-Length: 3"]))
        assert (await asyncio.wait_for(connection.head(), 1)).status == 404


async def test_an_old_client_is_not_told_to_continue() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        raw = b"POST /v1/x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
        assert (await ask(gw.port, raw)).status == 200


async def test_a_body_that_came_with_its_head_is_taken_at_once() -> None:
    taken: list[bytes | None] = []

    async def handler(message: Request) -> Response:
        taken.append(message.body.take())
        rest = await read_all(message.body, 100) if taken[-1] is None else b""
        return Response(200, CIMultiDict(), rest)

    server = GatewayServer(handler, configured(), ServiceState())
    _, port = await server.start()
    async with client(port) as connection:
        await connection.send(request("/", "POST", body=b"whole"))
        assert (await connection.answer()).body == b""
        await connection.send(request("/", "POST", ["Content-Length: 5"]) + b"ha")
        await asyncio.sleep(0.05)
        await connection.send(b"lf.")
        assert (await connection.answer()).body == b"half."
    await server.drain(0, asyncio.Event())
    assert taken == [b"whole", None]
