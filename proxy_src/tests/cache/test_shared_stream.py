"""One stream for several readers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hx_gateway.cache.shared_stream import SharedStream
from hx_gateway.errors import UpstreamBrokenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hx_gateway.cache.shared_stream import Reader
    from hx_gateway.message import Sink


class Source:
    """A stream that gives a piece whenever it is told to."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.read = 0
        self.closed = 0
        for piece in pieces:
            self.queue.put_nowait(piece)

    def end(self) -> None:
        self.queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self.queue.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            self.read += 1
            yield piece

    async def aclose(self) -> None:
        self.closed += 1


class Ends:
    def __init__(self) -> None:
        self.seen: list[list[bytes] | None] = []

    def __call__(self, pieces: Sequence[bytes] | None) -> None:
        self.seen.append(list(pieces) if pieces is not None else None)


async def read(reader: Reader, count: int | None = None) -> list[bytes]:
    found: list[bytes] = []
    async for piece in reader:
        found.append(piece)
        if len(found) == count:
            break
    return found


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_each_reader_gets_every_piece_also_who_comes_late() -> None:
    source, ends = Source(b"a", b"b"), Ends()
    shared = SharedStream(source, 100, ends)
    first = shared.reader()
    assert await read(first, 1) == [b"a"]
    second = shared.reader()
    source.queue.put_nowait(b"c")
    source.end()
    assert await read(second) == [b"a", b"b", b"c"]
    assert await read(first) == [b"b", b"c"]
    assert ends.seen == [[b"a", b"b", b"c"]]
    assert not shared.is_joinable
    await first.aclose()
    await second.aclose()
    assert source.closed >= 1


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    source, ends = Source(b"a"), Ends()
    shared = SharedStream(source, 100, ends)
    leader, follower = shared.reader(), shared.reader()
    waiting = asyncio.create_task(read(leader))
    await turns()
    waiting.cancel()
    await leader.aclose()
    assert source.closed == 0
    source.queue.put_nowait(b"b")
    source.end()
    assert await read(follower) == [b"a", b"b"]
    assert ends.seen == [[b"a", b"b"]]
    await follower.aclose()


@pytest.mark.parametrize("started", [True, False])
async def test_when_the_last_reader_leaves_the_source_is_closed(started: bool) -> None:
    source, ends = Source(b"a"), Ends()
    shared = SharedStream(source, 100, ends)
    readers = [shared.reader(), shared.reader()]
    if started:
        await turns()
    for reader in readers:
        await reader.aclose()
        await reader.aclose()
    assert source.closed >= 1
    assert ends.seen == [None]
    assert shared.ended


async def test_what_breaks_breaks_for_all_and_is_not_whole() -> None:
    source, ends = Source(b"a", UpstreamBrokenError()), Ends()
    shared = SharedStream(source, 100, ends)
    for reader in (shared.reader(), shared.reader()):
        found: list[bytes] = []
        with pytest.raises(UpstreamBrokenError):
            async for piece in reader:
                found.append(piece)
        assert found == [b"a"]
    assert ends.seen == [None]
    assert source.closed == 1
    assert not shared.is_joinable


async def test_reading_waits_for_the_fastest_reader() -> None:
    piece = b"x" * 16384
    source = Source(*[piece] * 20)
    shared = SharedStream(source, 1 << 20, Ends())
    fast, slow = shared.reader(), shared.reader()
    await turns()
    assert source.read == 4
    await read(fast, 10)
    await turns()
    assert source.read == 14
    assert slow.position == 0
    await fast.aclose()
    await turns()
    assert source.read == 14
    await slow.aclose()


async def test_what_is_too_large_is_passed_on_but_not_kept() -> None:
    pieces = [bytes([number]) * 1000 for number in range(40)]
    source, ends = Source(*pieces), Ends()
    source.end()
    shared = SharedStream(source, 5000, ends)
    readers = [shared.reader(), shared.reader()]
    results = await asyncio.gather(*map(read, readers))
    assert results == [pieces, pieces]
    assert ends.seen == [None]
    for reader in readers:
        await reader.aclose()


async def test_beyond_what_is_kept_the_slowest_reader_bounds_the_memory() -> None:
    source, ends = Source(*[b"x" * 1000] * 100), Ends()
    shared = SharedStream(source, 10_000, ends)
    fast, slow = shared.reader(), shared.reader()
    reading = asyncio.create_task(read(fast, 100))
    await turns(300)
    assert source.read == 11
    assert not shared.is_joinable
    assert len(await read(slow, 100)) == 100
    assert len(await reading) == 100
    await fast.aclose()
    await slow.aclose()


async def test_who_comes_while_the_last_reader_leaves_never_takes_a_part_for_the_whole() -> None:
    class Slow(Source):
        async def aclose(self) -> None:
            await asyncio.sleep(0.05)
            await super().aclose()

    source, ends = Slow(b"a"), Ends()
    shared = SharedStream(source, 100, ends)
    leader = shared.reader()
    assert await read(leader, 1) == [b"a"]
    leaving = asyncio.create_task(leader.aclose())
    await asyncio.sleep(0.01)
    assert not shared.is_joinable
    late = shared.reader()
    with pytest.raises(UpstreamBrokenError):
        await read(late)
    await leaving
    assert ends.seen == [None]


async def test_nobody_reads_yet() -> None:
    source = Source(b"a", b"b")
    source.end()
    shared = SharedStream(source, 100, Ends())
    await turns()
    assert await read(shared.reader()) == [b"a", b"b"]


async def test_what_fails_at_the_end_leaves_no_reader_waiting() -> None:
    def fail(_: Sequence[bytes] | None) -> None:
        raise RuntimeError

    source = Source(b"a")
    shared = SharedStream(source, 100, fail)
    reading = asyncio.create_task(read(shared.reader()))
    await turns()
    source.end()
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(reading, 1)


class Pourer:
    """A stream that pushes."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.paused = False
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    def pour(self, sink: Sink) -> None:
        self.sink = sink
        sink.feed(b"first")

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    async def aclose(self) -> None:
        self.closed += 1


class Collected:
    """A sink that can be full."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ends: list[Exception | None] = []

    def feed(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def end(self, error: Exception | None) -> None:
        self.ends.append(error)


async def test_what_is_poured_in_is_poured_out_at_once() -> None:
    source, ends = Pourer(), Ends()
    shared = SharedStream(source, 100, ends)
    assert source.sink is shared
    leader, late, asking = shared.reader(), shared.reader(), shared.reader()
    first, second = Collected(), Collected()
    leader.pour(first)
    assert first.pieces == [b"first"]
    shared.feed(b"a")
    late.pour(second)
    shared.feed(b"b")
    shared.end(None)
    assert first.pieces == second.pieces == await read(asking) == [b"first", b"a", b"b"]
    assert first.ends == second.ends == [None]
    assert ends.seen == [[b"first", b"a", b"b"]]
    for reader in (leader, late, asking):
        await reader.aclose()
    assert source.closed == 1


async def test_a_source_that_pours_waits_for_the_fastest_reader() -> None:
    source = Pourer()
    shared = SharedStream(source, 1 << 20, Ends())
    reader, sink = shared.reader(), Collected()
    reader.pour(sink)
    reader.pause()
    for _ in range(4):
        shared.feed(b"x" * 16384)
    assert source.paused
    assert sink.pieces == [b"first"]
    reader.resume()
    assert not source.paused
    assert len(sink.pieces) == 5
    await reader.aclose()


async def test_poured_streams_break_for_all_and_close_their_source() -> None:
    source, ends = Pourer(), Ends()
    shared = SharedStream(source, 100, ends)
    reader, sink = shared.reader(), Collected()
    reader.pour(sink)
    error = UpstreamBrokenError()
    shared.end(error)
    assert sink.ends == [error]
    assert ends.seen == [None]
    await reader.aclose()
    assert source.closed == 1


async def test_who_leaves_a_poured_stream_gets_nothing_more() -> None:
    source, ends = Pourer(), Ends()
    shared = SharedStream(source, 100, ends)
    reader, sink = shared.reader(), Collected()
    reader.pour(sink)
    await reader.aclose()
    shared.feed(b"a")
    assert sink.pieces == [b"first"]
    assert sink.ends == []
    assert (source.closed, ends.seen, shared.is_joinable) == (1, [None], False)


async def test_a_failure_at_the_end_of_a_poured_stream_reaches_its_readers() -> None:
    def fail(_: Sequence[bytes] | None) -> None:
        raise RuntimeError

    shared = SharedStream(Pourer(), 100, fail)
    reader, sink = shared.reader(), Collected()
    reader.pour(sink)
    shared.end(None)
    assert [type(end) for end in sink.ends] == [RuntimeError]
    await reader.aclose()
