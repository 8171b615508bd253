"""The pipeline on one connection, against servers that behave as no Redis does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hx_gateway.stores.errors import StoreError, StoreReplyError, StoreTimeoutError, StoreUnavailableError
from hx_gateway.stores.redis_connection import RedisConnection
from hx_gateway.stores.script import pack

from wire import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Peer:
    """The other end of the connection."""

    def __init__(self) -> None:
        self.reads: list[bytes] = []
        self.lost: list[StoreError] = []
        self.writer: asyncio.StreamWriter
        self.come = asyncio.Event()
        self.hear = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.come.set()
        while data := await reader.read(1 << 16):
            self.reads.append(data)


@asynccontextmanager
async def connected(timeout: float = 5, *, read: bool = True) -> AsyncIterator[tuple[RedisConnection, Peer]]:
    peer = Peer()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await peer.hear.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        while await reader.read(1 << 20):
            pass

    server = await asyncio.start_server(peer.serve if read else deaf, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: RedisConnection(timeout, peer.lost.append), "127.0.0.1", port)
    if read:
        await peer.come.wait()
    try:
        yield connection, peer
    finally:
        connection.close()
        server.close()


async def test_commands_of_one_turn_leave_in_one_write() -> None:
    async with connected() as (connection, peer):
        futures = [connection.send(pack("GET", key)) for key in ("a", "b", b"\xff\r\n")]
        await asyncio.sleep(0.05)
        frame = b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n"
        assert peer.reads == [frame % (1, b"a") + frame % (1, b"b") + frame % (3, b"\xff\r\n")]
        peer.writer.write(b"$1\r\n1\r\n:2\r\n*2\r\n$-1\r\n-ERR x\r\n")
        first, second, third = await asyncio.gather(*futures)
        assert (first, second, third[0]) == (b"1", 2, None)
        assert isinstance(third[1], StoreReplyError)
        assert connection.pending == 0


async def test_what_comes_for_a_caller_that_has_left_is_passed_on() -> None:
    said: list[object] = []
    async with connected() as (connection, peer):
        cancelled = [connection.send(pack("GET", key)) for key in range(4)]
        await asyncio.sleep(0.05)
        for future in cancelled:
            future.cancel()
        connection.inherit(cancelled[0], said.append)
        connection.data_received(b":1\r\n:2\r\n")
        assert said == [1]
        connection.inherit(cancelled[1], said.append)  # in the loop turn in which it came
        await asyncio.sleep(0)
        connection.inherit(cancelled[2], said.append)
        peer.writer.write(b"-ERR x\r\n:4\r\n")
        await until(lambda: connection.pending == 0)
        assert said[:2] == [1, 2]
        assert isinstance(said[2], StoreReplyError)
        assert len(said) == 3
        await asyncio.sleep(0)
        assert (connection._heirs, connection._unclaimed) == ({}, {})
        left = connection.send(pack("GET", "a"))
        left.cancel()
        connection.inherit(left, said.append)
        connection.give_up(StoreUnavailableError())
        assert connection._heirs == {}
        connection.inherit(left, said.append)
        assert (connection._heirs, len(said)) == ({}, 3)


@pytest.mark.parametrize("step", [1, 3])
async def test_replies_may_arrive_in_any_pieces(step: int) -> None:
    async with connected() as (connection, peer):
        futures = [connection.send(pack("GET", key)) for key in range(3)]
        data = b"$5\r\nab\r\nc\r\n-OOM command not allowed\r\n+OK\r\n"
        for start in range(0, len(data), step):
            peer.writer.write(data[start : start + step])
            await asyncio.sleep(0.001)
        first, second, third = await asyncio.gather(*futures, return_exceptions=True)
        assert (first, third) == (b"ab\r\nc", b"OK")
        assert isinstance(second, StoreReplyError)
        assert second.code == "OOM"


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b":1\r\n:2\r\n"])
async def test_what_is_not_the_protocol_ends_the_connection(data: bytes) -> None:
    async with connected() as (connection, peer):
        future = connection.send(pack("GET", "a"))
        peer.writer.write(data)
        if data.startswith(b"H"):
            with pytest.raises(StoreUnavailableError, match="does not speak"):
                await future
        else:
            assert await future == 1
        assert [str(error) for error in peer.lost] == ["the server does not speak Redis's protocol"]
        with pytest.raises(StoreUnavailableError):
            connection.send(pack("GET", "a"))


async def test_the_oldest_call_that_is_late_ends_all_behind_it() -> None:
    async with connected(0.2) as (connection, peer):
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = connection.send(pack("GET", "a"))
        await asyncio.sleep(0.1)
        peer.writer.write(b":1\r\n")
        assert await first == 1
        second = connection.send(pack("GET", "b"))
        await asyncio.sleep(0.1)
        third = connection.send(pack("GET", "c"))
        with pytest.raises(StoreTimeoutError, match=r"no reply within 0\.2 s"):
            await second
        assert 0.29 < loop.time() - began < 0.5
        with pytest.raises(StoreTimeoutError):
            await third
        assert len(peer.lost) == 1


async def test_a_server_that_reads_nothing_is_not_sent_more_and_more() -> None:
    async with connected(5, read=False) as (connection, peer):
        with pytest.raises(StoreUnavailableError, match="does not keep up"):
            for _ in range(100):
                connection.send(pack("SET", "a", b"x" * (1 << 20)))
                await asyncio.sleep(0)
        assert connection.pending < 32
        peer.hear.set()
        async with asyncio.timeout(5):
            while connection._unwritable:  # noqa: ASYNC110 - it has nobody else to tell
                await asyncio.sleep(0.01)
        connection.send(pack("PING"))


async def test_what_was_submitted_is_sent_before_the_end() -> None:
    async with connected() as (connection, peer):
        future = connection.send(pack("PING"))
        connection.close()
        with pytest.raises(StoreUnavailableError):
            await future
        await asyncio.sleep(0.05)
        assert peer.reads == [b"*1\r\n$4\r\nPING\r\n"]


async def test_the_end_of_the_connection_ends_every_call() -> None:
    async with connected() as (connection, peer):
        futures = [connection.send(pack("GET", "a")) for _ in range(3)]
        futures[1].cancel()
        await asyncio.sleep(0.02)
        peer.writer.transport.abort()
        results = await asyncio.gather(*futures, return_exceptions=True)
        assert [type(result) for result in results] == [
            StoreUnavailableError,
            asyncio.CancelledError,
            StoreUnavailableError,
        ]
        assert len(peer.lost) == 1


async def wait_for(peer: Peer, pieces: int) -> float:
    """Return how many seconds it took until `pieces` were read."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(2):
        while len(peer.reads) < pieces:  # noqa: ASYNC110 - it has nobody else to tell
            await asyncio.sleep(0.0005)
    return asyncio.get_running_loop().time() - began


def ignore(error: StoreReplyError) -> None:
    raise AssertionError(error)


async def test_what_nobody_waits_for_leaves_with_the_next_command_in_order() -> None:
    async with connected() as (connection, peer):
        connection.post(pack("A"), ignore)
        connection.defer(lambda: connection.post(pack("E"), ignore))
        connection.post(pack("B"), ignore)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert peer.reads == []
        future = connection.send(pack("C"))
        connection.post(pack("D"), ignore)
        assert await wait_for(peer, 1) < 0.05
        assert peer.reads == [b"".join(b"*1\r\n$1\r\n%c\r\n" % letter for letter in b"ABCDE")]
        peer.writer.write(b"+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n")
        assert await future == b"c"
        assert connection.pending == 0


async def test_what_nobody_waits_for_leaves_within_milliseconds_on_its_own() -> None:
    async with connected() as (connection, peer):
        for number in range(1, 4):
            connection.post(pack("A"), ignore)
            connection.post(pack("B"), ignore)
            assert 0.0005 < await wait_for(peer, number) < 0.05
        connection.defer(lambda: connection.post(pack("C"), ignore))
        assert await wait_for(peer, 4) < 0.05
        assert peer.reads == [b"*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n"] * 3 + [b"*1\r\n$1\r\nC\r\n"]


async def test_what_is_large_does_not_wait() -> None:
    async with connected() as (connection, peer):
        connection.post(pack("SET", b"x" * 20_000), ignore)
        await asyncio.sleep(0)
        assert connection._out == []
        await wait_for(peer, 1)


async def test_an_error_in_reply_to_what_was_posted_is_told() -> None:
    async with connected() as (connection, peer):
        told: list[str] = []
        for _ in range(2):
            connection.post(pack("A"), lambda error: told.append(error.code))
        future = connection.send(pack("B"))
        await wait_for(peer, 1)
        peer.writer.write(b"+OK\r\n-OOM x\r\n:5\r\n")
        assert await future == 5
        assert told == ["OOM"]


async def test_what_was_posted_has_to_be_answered_in_time_too() -> None:
    async with connected(0.1) as (connection, peer):
        connection.post(pack("A"), ignore)
        await wait_for(peer, 1)
        await asyncio.sleep(0.2)
        assert [str(error) for error in peer.lost] == ["no reply within 0.1 s"]
        with pytest.raises(StoreUnavailableError):
            connection.post(pack("B"), ignore)
        with pytest.raises(StoreUnavailableError):
            connection.defer(lambda: None)


async def test_what_was_deferred_is_called_although_the_connection_is_lost() -> None:
    async with connected() as (connection, peer):
        called: list[bool] = []
        connection.defer(lambda: called.append(True))
        peer.writer.transport.abort()
        await asyncio.sleep(0.001)
        connection.give_up(StoreUnavailableError("x"))
        assert called == [True]
