"""Uploads of the fast client: as fast as the upstream reads, and ended when it is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import UpstreamBrokenError, UpstreamTimeoutError
from upstream.raw import pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIECE = b"x" * 65536
PIECES = 400
"""More, together, than the kernel's buffers take."""


class Endless:
    """A body of PIECES pieces that counts what was asked of it."""

    def __init__(self, length: int | None = PIECES * len(PIECE)) -> None:
        self.length = length
        self.given = 0

    def take(self) -> None:
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(PIECES):
            self.given += 1
            yield PIECE


async def held(body: Endless) -> int:
    """Return how many pieces were taken when no more are."""
    before = -1
    while before != body.given:
        before = body.given
        await asyncio.sleep(0.3)
    return before


@pytest.mark.parametrize("length", [PIECES * len(PIECE), None])
async def test_a_body_is_taken_as_fast_as_the_upstream_reads(length: int | None) -> None:
    async with pair() as (client, listener):
        body = Endless(length)
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), body))
        peer = await listener.accept()
        assert 0 < await held(body) < PIECES
        (_, _, received) = (await peer.read()).partition(b"\r\n\r\n")
        pieces = [received]
        framing = 0 if length is not None else PIECES * len(b"10000\r\n\r\n") + len(b"0\r\n\r\n")
        left = PIECES * len(PIECE) + framing - len(received)
        while left:
            pieces.append(await peer.read(1 << 20))
            left -= len(pieces[-1])
        assert body.given == PIECES
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert (await asyncio.wait_for(task, 5)).take() == b"ok"
        received = b"".join(pieces)
        framed = b"10000\r\n" + PIECE + b"\r\n" if length is None else PIECE
        assert received == framed * PIECES + (b"0\r\n\r\n" if length is None else b"")


async def test_an_upstream_that_dies_while_it_does_not_read_ends_the_upload() -> None:
    async with pair() as (client, listener):
        body = Endless()
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), body))
        peer = await listener.accept()
        given = await held(body)
        peer.reset()
        with pytest.raises(UpstreamBrokenError):
            await asyncio.wait_for(task, 5)
        await asyncio.sleep(0.05)
        assert body.given <= given + 1
        assert len(asyncio.all_tasks()) == 1  # nothing goes on sending


async def test_an_upstream_that_does_not_read_runs_out_of_time() -> None:
    async with pair(timeouts={"first_byte": 0.3}) as (client, listener):
        body = Endless()
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), body))
        await listener.accept()
        with pytest.raises(UpstreamTimeoutError):
            await asyncio.wait_for(task, 10)
        assert body.given < PIECES


async def test_an_upstream_that_is_gone_between_two_pieces_is_noticed() -> None:
    class Paused(Endless):
        def __init__(self) -> None:
            super().__init__()
            self.more = asyncio.Event()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x"
            await self.more.wait()
            yield b"x"

    async with pair() as (client, listener):
        body = Paused()
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), body))
        peer = await listener.accept()
        await peer.read()
        peer.close()
        with pytest.raises(UpstreamBrokenError):
            await asyncio.wait_for(task, 5)
        body.more.set()
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 1
