"""An upstream process that is killed, stopped, refuses, is slow, or breaks HTTP's framing: both upstream clients."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING

import orjson
import pytest

from faults.stack import Load, Peer, chat, everything, stack, until

from wire import FORM, Client, ask, client, read_chunks, reply, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wire import Answer

pytestmark = pytest.mark.usefixtures("each_client")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as made:
        yield made


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, str(orjson.loads(answer.body)["error"]["code"])


async def test_killed_in_the_middle_of_an_answer(peer: Peer, tmp_path: Path) -> None:
    async with stack(tmp_path, everything(peer.url)) as gw:
        async with client(gw.port) as connection:
            await connection.send(chat("half"))
            head = await connection.head()
            assert (head.status, head.get("Content-Length")) == (200, "1000")
            assert await connection.reader.readexactly(100) == b"x" * 100
            peer.kill()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await connection.reader.readexactly(900)
        await gw.ended("upstream_broken")
        assert code(await ask(gw.port, chat())) == (502, "upstream_unreachable")
        peer.start()
        assert (await ask(gw.port, chat())).status == 200
        assert await gw.end() == 0


async def test_killed_in_the_middle_of_streams(peer: Peer, tmp_path: Path) -> None:
    """None of the streams is ended as if it were whole, and all of their clients are told at once."""

    async def read(connection: Client) -> int:
        number = 0
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            async for piece in read_chunks(connection.reader):
                number += piece.startswith(b"data: ")
        return number

    async with stack(tmp_path, everything(peer.url)) as gw:
        connections = [client(gw.port) for _ in range(20)]
        streams = [await made.__aenter__() for made in connections]
        for number, stream in enumerate(streams):
            await stream.send(chat("stream", text=str(number), stream=True))
        assert [(await stream.head()).status for stream in streams] == [200] * 20
        reading = [asyncio.ensure_future(read(stream)) for stream in streams]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in reading)
        peer.kill()
        assert min(await asyncio.wait_for(asyncio.gather(*reading), 5)) >= 1
        for made in connections:
            await made.__aexit__(None, None, None)
        peer.start()
        assert (await ask(gw.port, chat())).status == 200
        assert await gw.metric("http_server_active_requests") == 0
        assert await gw.end() == 0
    assert Counter(line["ended"] for line in gw.log)["upstream_broken"] == 20


async def test_killed_before_it_answers_nothing_is_sent_again(peer: Peer, tmp_path: Path) -> None:
    """A POST that arrived may have been worked on: another server must not do it a second time."""
    with Peer() as other:
        async with stack(tmp_path, everything(peer.url, other.url, upstream={"checks": {"interval": 0}})) as gw:
            async with client(gw.port) as connection:
                await connection.send(chat("silent"))
                at: set[Peer] = set()

                async def arrived() -> bool:
                    at.update([one for one in (peer, other) if "silent" in await one.seen()])
                    return bool(at)

                await until(arrived)
                (it,) = at
                it.kill()
                assert code(await connection.answer()) == (502, "upstream_broken")
            (left,) = {peer, other} - at
            assert await left.seen() == []
            assert await gw.end() == 0


async def test_one_of_two_that_goes_and_comes_is_not_noticed(peer: Peer, tmp_path: Path) -> None:
    """It refuses while it is away: what reached nobody goes to the other one."""
    settings = {"checks": {"interval": 0.2, "failures": 1}, "breaker": {"failures": 2, "pause": 0.5}, "slow_start": 0}
    with Peer() as other:
        async with stack(tmp_path, everything(peer.url, other.url, upstream=settings)) as gw:
            async with Load(gw.port, sessions=False) as load:
                await load.answered(50)
                peer.kill()
                await load.answered(200)
                before = len(load.answers)
                peer.start()

                async def back() -> bool:
                    return len(await peer.seen()) >= 20

                await until(back)
            broken = [answer for answer in load.answers if answer.status != 200]
            # those that it had when it was killed, one a client at most, and nothing after that
            assert len(broken) <= load.clients
            assert {code(answer) for answer in broken} <= {(502, "upstream_broken")}
            assert {answer.status for answer in load.answers[before:]} == {200}
            assert await gw.end() == 0
        assert {"upstream_unhealthy", "upstream_healthy"} <= set(gw.events())


async def test_slow_by_byte(peer: Peer, tmp_path: Path) -> None:
    async with stack(tmp_path, everything(peer.url, upstream={"timeouts": {"between_bytes": 1}})) as gw:
        slow = asyncio.ensure_future(ask(gw.port, chat("drip", text="slow")))
        await asyncio.sleep(0.1)
        async with Load(gw.port, clients=2) as load:
            await load.answered(20)
            assert not slow.done()
        assert load.statuses() == {200}
        whole = await asyncio.wait_for(slow, 20)
        assert orjson.loads(whole.body)["id"] == "chatcmpl-slow"
        assert await gw.end() == 0


async def test_slow_by_byte_for_too_long(peer: Peer, tmp_path: Path) -> None:
    """Each byte is in time, the whole is not."""
    async with stack(tmp_path, everything(peer.url, upstream={"timeouts": {"between_bytes": 1, "total": 0.3}})) as gw:
        async with client(gw.port) as connection:
            await connection.send(chat("drip"))
            try:
                assert code(await asyncio.wait_for(connection.answer(), 10)) == (504, "upstream_timeout")
            except asyncio.IncompleteReadError:  # the time was up after the head
                await gw.ended("upstream_broken")
        assert await gw.end() == 0


async def test_stopped(peer: Peer, tmp_path: Path) -> None:
    """Its kernel accepts connections and data, the process does nothing (SIGSTOP)."""
    async with stack(tmp_path, everything(peer.url, upstream={"timeouts": {"connect": 0.5, "first_byte": 0.5}})) as gw:
        assert (await ask(gw.port, chat(text="before"))).status == 200
        peer.signal(signal.SIGSTOP)
        answers = await asyncio.wait_for(asyncio.gather(*(ask(gw.port, chat(text=str(n))) for n in range(10))), 10)
        assert {code(answer) for answer in answers} == {(504, "upstream_timeout")}
        assert (await ask(gw.port, chat(text="before"))).get("x-hx-cache") == "hit"
        peer.signal(signal.SIGCONT)
        assert (await ask(gw.port, chat(text="after"))).status == 200
        assert await gw.end() == 0


BROKEN = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "two equal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a bare CR in a header": b"HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a header": b"HTTP/1.1 200 OK\r\nX-A: a\0evil\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nevil\r\nContent-Length: 0\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX-A: " + b"evil" * 5000,
    "no HTTP": b"evil\r\n\r\n",
    "nothing": b"",
}
"""Answers, to the byte; what a client must never get is called evil."""


async def test_bad_framing(peer: Peer, tmp_path: Path) -> None:
    """Each is answered by a 502 of the gateway's own, none of its bytes passes, and the next request is served."""
    wrong: list[str] = []
    async with stack(tmp_path, everything(peer.url)) as gw, client(gw.port) as connection:
        for name, data in BROKEN.items():
            if not data:
                await connection.send(request("/v1/files", "POST", [FORM, "x-play: raw", "Content-Length: 0"]))
            else:
                await connection.send(request("/v1/files", "POST", [FORM, "x-play: raw"], data))
            answer = await asyncio.wait_for(connection.answer(), 5)
            if answer.status == 502:
                assert code(answer) == (502, "upstream_broken"), name
            else:
                wrong.append(name)
            assert b"evil" not in answer.body, name
            assert not any("evil" in value or header == "Set-Cookie" for header, value in answer.headers), name
            await connection.send(chat(text=name))
            good = await asyncio.wait_for(connection.answer(), 5)
            assert (good.status, good.body[:7]) == (200, b'{"id":"'), name
        assert await gw.end() == 0
    assert wrong == []


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        (b"X-A: a\nX-B: b", [b"X-A: a", b"X-B: b"]),  # RFC 9112 section 2.2: LF alone may end a line
        (b"X-A: a\r\n Set-Cookie: b", [b"X-A: a Set-Cookie: b"]),  # section 5.2: a fold is passed on as a space
    ],
)
async def test_odd_line_ends_are_not_passed_on(sent: bytes, passed: list[bytes], peer: Peer, tmp_path: Path) -> None:
    """Where a recipient may read what is odd, it is the gateway that does; the client need not decide."""
    data = b"HTTP/1.1 200 OK\r\n" + sent + b"\r\nContent-Length: 2\r\n\r\nok"
    async with stack(tmp_path, everything(peer.url)) as gw, client(gw.port) as connection:
        await connection.send(request("/v1/files", "POST", [FORM, "x-play: raw", "Connection: close"], data))
        head, _, body = (await asyncio.wait_for(connection.reader.read(), 5)).partition(b"\r\n\r\n")
        assert [line for line in head.split(b"\r\n") if line.startswith((b"X-A", b"X-B", b"Set-"))] == passed
        assert (body, b"\n" in head.replace(b"\r\n", b"")) == (b"ok", False)
        assert await gw.end() == 0


async def test_an_answer_too_many_reaches_nobody(peer: Peer, tmp_path: Path) -> None:
    """CRLF that an upstream lets into a header splits its answer in two: the second is never anybody's."""
    split = b"HTTP/1.1 200 OK\r\nX-A: a\r\nContent-Length: 2\r\n\r\nok" + reply(200, b"evil", ["Set-Cookie: evil=1"])
    async with stack(tmp_path, everything(peer.url)) as gw, client(gw.port) as connection:
        for number in range(20):
            await connection.send(request("/v1/files", "POST", [FORM, "x-play: raw-open"], split))
            first = await asyncio.wait_for(connection.answer(), 5)
            assert (first.status, first.body if first.status == 200 else b"") in {(200, b"ok"), (502, b"")}
            await connection.send(chat(text=str(number)))
            assert b"evil" not in (await asyncio.wait_for(connection.answer(), 5)).body
        assert await gw.end() == 0
