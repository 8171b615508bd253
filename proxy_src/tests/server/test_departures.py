"""Clients that leave while nothing is read from them."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from running import gateway
from wire import FORM, reply, request, until, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hx_gateway.server.connection import Connection

    from running import Gateway
    from wire import Seen

UPLOAD = request("/v1/x", "POST", [FORM, "Content-Length: 900000000"])
PIECE = b"x" * 16384


async def busy(_: Seen, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
    """Read nothing and answer nothing for long."""
    await asyncio.sleep(30)


@asynccontextmanager
async def connected(gw: Gateway, data: bytes) -> AsyncIterator[tuple[socket.socket, Connection]]:
    """Send `data`; yield both ends."""
    with socket.create_connection(("127.0.0.1", gw.port)) as client:
        client.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(client, data)
        await until(lambda: gw.server.active == 1)
        (connection,) = gw.server._http.open
        yield client, connection


async def until_paused(client: socket.socket, connection: Connection) -> None:
    """Send of a body until nobody reads it, and little more: a FIN does not pass what the kernel could not send."""
    quiet = 0
    while quiet < 20:
        if connection._reading_paused:
            quiet += 1
            await asyncio.sleep(0.01)
        else:
            quiet = 0
            await asyncio.get_running_loop().sock_sendall(client, PIECE)
            await asyncio.sleep(0.001)


async def until_full(client: socket.socket) -> None:
    """Send until the kernel takes nothing more."""
    while True:
        try:
            async with asyncio.timeout(0.2):
                await asyncio.get_running_loop().sock_sendall(client, PIECE)
        except TimeoutError:
            return


def closes(client: socket.socket) -> None:
    client.close()


def half_closes(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


def resets(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.usefixtures("each_client")
@pytest.mark.parametrize(
    ("leave", "full"),
    [(closes, False), (half_closes, False), (resets, False), (resets, True)],
)
async def test_their_upload_is_cancelled(leave: Callable[[socket.socket], None], full: bool) -> None:
    async with upstream(busy, whole=False) as up, gateway(up.url) as gw:
        async with connected(gw, UPLOAD) as (client, connection):
            await until_paused(client, connection)
            if full:
                await until_full(client)
            leave(client)
            await until(lambda: gw.server.active == 0, 1)
        assert gw.server._http.departures._watched == {}
    assert [line["ended"] for line in gw.log()] == ["client_gone"]


async def test_one_who_leaves_while_it_is_read_is_noticed_once_it_is_not() -> None:
    async with upstream(busy, whole=False) as up, gateway(up.url) as gw:
        async with connected(gw, UPLOAD) as (client, connection):
            await until_paused(client, connection)
            connection._reading_paused = False
            half_closes(client)
            await until(lambda: connection._half_closed)
            assert gw.server.active == 1
            connection.pause_reading()
            await until(lambda: gw.server.active == 0, 1)


async def full_queue(gw: Gateway, stack: AsyncExitStack) -> tuple[socket.socket, Connection]:
    """Send more requests at once than are taken."""
    client, connection = await stack.enter_async_context(connected(gw, request() * 40))
    await until(lambda: connection._queue_full)
    return client, connection


async def test_of_many_requests_the_first_are_answered_to_one_who_sends_no_more() -> None:
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(reply(200, b"x"))

    async with upstream(play) as up, gateway(up.url) as gw, AsyncExitStack() as stack:
        client, connection = await full_queue(gw, stack)
        half_closes(client)
        await until(lambda: connection._half_closed)
        go_on.set()
        assert (await asyncio.get_running_loop().sock_recv(client, 100)).startswith(b"HTTP/1.1 200")


async def test_many_requests_of_one_who_is_gone_are_cancelled() -> None:
    async with upstream(busy) as up, gateway(up.url) as gw, AsyncExitStack() as stack:
        client, _ = await full_queue(gw, stack)
        resets(client)
        await until(lambda: gw.server.active == 0, 1)
    assert [line["ended"] for line in gw.log()] == ["client_gone"]


async def test_one_whose_upload_goes_on_is_left_alone() -> None:
    """Reading stops and begins again; who is watched meanwhile has to be served to the end."""
    go_on = asyncio.Event()

    async def play(_: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        received = 0
        while received < size:
            received += len(await reader.read(65536))
        writer.write(reply(200, b"whole"))

    size = 30_000_000
    async with upstream(play, whole=False) as up, gateway(up.url) as gw:
        head = request("/v1/x", "POST", [FORM, f"Content-Length: {size}"])
        async with connected(gw, head) as (client, connection):
            sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(client, b"x" * size))
            await until(lambda: connection._departing is not None)
            go_on.set()
            await sending
            assert b"whole" in await asyncio.get_running_loop().sock_recv(client, 1000)
            assert gw.server.active == 0
    assert gw.server._http.departures._epoll is None
