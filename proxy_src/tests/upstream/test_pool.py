"""Which connections are used again, and how many there are."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from hx_gateway.errors import UpstreamBrokenError, UpstreamTimeoutError, UpstreamUnreachableError
from upstream.raw import pair, send

from wire import reply

if TYPE_CHECKING:
    from hx_gateway.upstream.connection import Connection
    from hx_gateway.upstream.pool import Pool


async def test_the_connection_used_last_is_used_next_and_idle_ones_are_closed() -> None:
    async with pair(keepalive_timeout=0.3) as (client, listener):
        tasks = [send(client) for _ in range(3)]
        peers = [await listener.accept() for _ in tasks]
        for peer in peers:
            await peer.request()
            await peer.send(reply(200, b"x"))
            await asyncio.sleep(0.02)
        await asyncio.gather(*tasks)
        for _ in range(6):  # each keeps the last one busy
            task = send(client)
            assert await asyncio.wait_for(peers[-1].request(), 1)
            await peers[-1].send(reply(200, b"x"))
            await task
            await asyncio.sleep(0.1)
        for peer in peers[:-1]:
            assert await asyncio.wait_for(peer.read(), 0.01) == b""
        assert await asyncio.wait_for(peers[-1].read(), 1) == b""


async def test_a_limit_makes_requests_wait_in_line() -> None:
    async with pair(max_connections=2) as (client, listener):
        tasks = [send(client, target=f"/v1/{number}") for number in range(6)]
        peers = [await listener.accept(), await listener.accept()]
        with pytest.raises(TimeoutError):
            await listener.accept(0.1)
        order = []
        for number in range(6):
            order.append((await peers[number % 2].request()).split(b" ")[1])
            await peers[number % 2].send(reply(200, b"x"))
        await asyncio.gather(*tasks)
        assert order == [b"/v1/%d" % number for number in range(6)]


async def test_a_connection_that_closes_makes_room_for_one_in_line() -> None:
    async with pair(max_connections=1) as (client, listener):
        first, second = send(client), send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await first
        peer = await listener.accept()
        await peer.request()
        await peer.send(reply(200, b"x"))
        assert (await second).take() == b"x"


async def test_who_leaves_the_line_takes_nothing_with_him() -> None:
    async with pair(max_connections=1) as (client, listener):
        first, second, third = send(client), send(client), send(client)
        peer = await listener.accept()
        await peer.request()
        second.cancel()
        await peer.send(reply(200, b"x"))
        await first
        assert await asyncio.wait_for(peer.request(), 1)
        third.cancel()
        await asyncio.sleep(0.05)
        fourth = send(client)
        peer = await listener.accept()
        assert await peer.request()
        await peer.send(reply(200, b"x"))
        assert (await fourth).take() == b"x"


async def test_who_leaves_just_as_his_turn_comes_passes_it_on() -> None:
    async with pair(max_connections=1) as (client, listener):
        first, second, third = send(client), send(client), send(client)
        first.add_done_callback(lambda _: second.cancel())
        peer = await listener.accept()
        await peer.request()
        await peer.send(reply(200, b"x"))
        await first
        while not third.done():
            read = asyncio.ensure_future(peer.request())
            done, _ = await asyncio.wait([read], timeout=1)
            if not done or not read.result():  # the connection went with who had begun to use it
                read.cancel()
                peer = await listener.accept()
                continue
            await peer.send(reply(200, b"x"))
            await asyncio.sleep(0.02)
        assert (await third).take() == b"x"


async def test_a_turn_that_comes_too_late_is_passed_on() -> None:
    async with pair(max_connections=1) as (client, _):
        pool = client._pool
        connection = await pool.connect(1, None, None)
        leaving, next_one = line(pool, 2)
        await asyncio.sleep(0)
        pool.release(connection)
        leaving.cancel()  # it has been given the connection, and does not know
        assert await asyncio.wait_for(next_one, 1) is connection
        assert pool.busy == 1


async def test_a_slot_that_comes_too_late_is_passed_on() -> None:
    async with pair(max_connections=1) as (client, _):
        pool = client._pool
        lost = await pool.connect(1, None, None)
        leaving, next_one = line(pool, 2)
        await asyncio.sleep(0)
        lost.abort()
        pool.closed(lost)
        leaving.cancel()
        assert (await asyncio.wait_for(next_one, 1)).usable
        assert pool.busy == 1


async def test_a_connection_that_died_on_the_way_to_who_waits_is_replaced() -> None:
    async with pair(max_connections=1) as (client, _):
        pool = client._pool
        dying = await pool.connect(1, None, None)
        (waiting,) = line(pool, 1)
        await asyncio.sleep(0)
        pool.release(dying)
        dying.abort()
        made = await asyncio.wait_for(waiting, 1)
        assert (made is dying, made.usable, pool.busy) == (False, True, 1)


def line(pool: Pool, number: int) -> list[asyncio.Task[Connection]]:
    """Have `number` wait for a connection."""
    return [asyncio.ensure_future(pool.connect(1, None, None)) for _ in range(number)]


async def test_what_has_been_idle_too_long_is_not_used_even_if_nobody_swept() -> None:
    async with pair(keepalive_timeout=4) as (client, listener):
        pool = client._pool
        pool.release(await pool.connect(1, None, None))
        peer = await listener.accept()
        pool._idle[0].idle_since -= 5  # as after a pause of the whole process
        assert pool.take() is None
        assert await asyncio.wait_for(peer.read(), 1) == b""


@pytest.mark.parametrize("timeouts", [{"total": 0.2}, {"first_byte": 0.2}])
async def test_waiting_in_line_has_an_end(timeouts: dict[str, float]) -> None:
    async with pair(max_connections=1, timeouts=timeouts) as (client, listener):
        tasks = [send(client), send(client)]
        await listener.accept()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 2)
        assert [type(error) for error in done] == [UpstreamTimeoutError] * 2


async def test_a_refused_connection_gives_its_slot_back() -> None:
    async with pair(max_connections=1) as (client, listener):
        address = listener.channel.getsockname()
        listener.channel.close()
        for _ in range(3):
            with pytest.raises(UpstreamUnreachableError):
                await asyncio.wait_for(send(client), 1)
        with socket.socket() as channel:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            channel.bind(address)
            channel.listen()
            channel.setblocking(False)
            listener.channel = channel
            task = send(client)
            peer = await listener.accept()
            await peer.request()
            await peer.send(reply(200, b"back"))
            assert (await task).take() == b"back"


async def test_the_end_of_the_client_ends_what_is_under_way() -> None:
    async with pair(max_connections=1) as (client, listener):
        running, waiting = send(client), send(client)
        peer = await listener.accept()
        await peer.request()
        await client.aclose()
        done = await asyncio.wait_for(asyncio.gather(running, waiting, return_exceptions=True), 1)
        assert [type(error) for error in done] == [UpstreamBrokenError, UpstreamUnreachableError]
        assert await asyncio.wait_for(peer.read(), 1) == b""
