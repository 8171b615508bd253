"""Answers of the fast client that are pushed to who sends them on."""

from __future__ import annotations

import asyncio
import time

import pytest

from hx_gateway.errors import UpstreamBrokenError, UpstreamTimeoutError
from upstream.raw import pair, send

from wire import chunk

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Taken:
    """A sink that keeps what it got."""

    def __init__(self) -> None:
        self.data = b""
        self.errors: list[Exception | None] = []
        self.ended = asyncio.Event()
        self.fed = asyncio.Event()

    def feed(self, piece: bytes) -> None:
        self.data += piece
        self.fed.set()

    def end(self, error: Exception | None) -> None:
        self.errors.append(error)
        self.ended.set()

    async def end_of_it(self) -> Exception | None:
        """Return with which error it ended, once."""
        await asyncio.wait_for(self.ended.wait(), 5)
        await asyncio.sleep(0.05)
        (error,) = self.errors
        return error


async def test_what_is_here_and_what_follows() -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer, taken = await task, Taken()
        answer.pour(taken)
        assert taken.data == b"one"
        await peer.send(chunk(b"two") + chunk(b""))
        assert (await taken.end_of_it(), taken.data) == (None, b"onetwo")
        await answer.aclose()
        assert client.outstanding == 0
        again = send(client)
        assert await asyncio.wait_for(peer.request(), 1)  # the connection was kept
        again.cancel()


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("how", ["reset", "closed", "malformed"])
async def test_what_breaks_off_ends_with_an_error(begun: bool, how: str) -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer, taken = await task, Taken()
        if begun:
            answer.pour(taken)
        if how == "malformed":
            await peer.send(b"zz\r\n")
        elif how == "reset":
            peer.reset()
        else:
            peer.close()
        if not begun:
            await asyncio.sleep(0.1)
            answer.pour(taken)
        assert isinstance(await taken.end_of_it(), UpstreamBrokenError)
        assert taken.data == (b"one" if begun else b"")
        await answer.aclose()
        assert client.outstanding == 0


async def test_a_pause_runs_out_of_time() -> None:
    async with pair(timeouts={"between_bytes": 0.2}) as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer, taken = await task, Taken()
        start = time.monotonic()
        answer.pour(taken)
        assert isinstance(await taken.end_of_it(), UpstreamTimeoutError)
        assert time.monotonic() - start > 0.15
        assert (taken.data, await asyncio.wait_for(peer.read(), 1)) == (b"one", b"")


async def test_a_full_sink_stops_the_upstream_and_its_time_is_not_the_upstreams() -> None:
    piece = b"x" * 65536
    async with pair(timeouts={"between_bytes": 0.5}) as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer, taken = await task, Taken()
        answer.pour(taken)
        answer.pause()
        sent = 0

        async def pour() -> None:
            nonlocal sent
            while sent < 400:
                await peer.send(chunk(piece))
                sent += 1
            await peer.send(chunk(b""))

        pouring = asyncio.ensure_future(pour())
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.6)  # longer than the upstream may pause
        assert sent < 400
        assert len(taken.data) < 10 * len(piece)
        assert taken.errors == []
        answer.resume()
        assert (await taken.end_of_it(), len(taken.data)) == (None, 3 + 400 * len(piece))
        await pouring


async def test_whoever_leaves_closes_the_connection_and_is_told_nothing_more() -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer, taken = await task, Taken()
        answer.pour(taken)
        await answer.aclose()
        answer.pause()
        answer.resume()
        assert await asyncio.wait_for(peer.read(), 1) == b""
        assert (taken.data, taken.errors) == (b"one", [])


async def test_the_end_of_the_client_ends_it() -> None:
    async with pair() as (client, listener):
        task = send(client)
        peer = await listener.accept()
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        answer, taken = await task, Taken()
        answer.pour(taken)
        await client.aclose()
        assert isinstance(await taken.end_of_it(), UpstreamBrokenError)
