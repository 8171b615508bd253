"""What the gateway forwards is what uvicorn reads, over many requests that are nearly right.

HX_DIFFERENTIAL sets how many (`make soak` takes 100,000), HX_DIFFERENTIAL_SEED which.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
from collections import Counter
from typing import TYPE_CHECKING

import uvloop

from differential.asgi import served
from differential.mutations import mutated
from differential.recorder import CASE, RECORDER

from running import gateway

if TYPE_CHECKING:
    from differential.asgi import Read
    from differential.recorder import Decided

REQUESTS = int(os.environ.get("HX_DIFFERENTIAL", "3000"))
SEED = int(os.environ.get("HX_DIFFERENTIAL_SEED", "20261124"))

ADDED_BY_HTTP = {b"host", b"content-length", b"transfer-encoding", b"connection"}
"""Headers of the connection between gateway and uvicorn, not of the client's request."""

PATIENCE = 0.3
"""Seconds to wait for an answer: a request that lost its end gets none."""

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


async def told(port: int, data: bytes) -> bytes:
    """Send `data` and return the first answer; empty if none came. The other end of the connection stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length and not data.startswith(b"HEAD") else b""
            return head + body
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def difference(decided: Decided, read: Read) -> str:
    """Return in what uvicorn's reading differs from the gateway's; empty if in nothing."""
    target = read.target.decode("latin-1")
    headers = [(name, value) for name, value in read.headers if name not in ADDED_BY_HTTP]
    expected = [(name.lower().encode(), value.strip(" \t").encode()) for name, value in decided.headers]
    if read.method != decided.method:
        return "method"
    if target != decided.target.rstrip("?") and target != decided.target:
        return "target"
    if not read.path.startswith("/v1/") or ".." in read.path.split("/") or "\0" in read.path:
        return "path"
    if headers != expected:
        return "headers"
    if decided.whole and read.whole and read.body != decided.body:
        return "body"
    if read.whole and not decided.whole:
        return "end of the body"
    return ""


def test_what_is_forwarded_is_what_uvicorn_reads() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # not a coroutine: those have a limit in time
        runner.run(_compare())


async def _compare() -> None:
    RECORDER.decided.clear()
    rng = random.Random(SEED)
    answers: Counter[int] = Counter()
    added = {"add": [{"factory": "differential.recorder:factory"}]}
    async with served() as application, gateway(f"http://127.0.0.1:{application.port}", middlewares=added) as gw:

        async def worker(count: int) -> None:
            for _ in range(count):
                sent = mutated(rng)
                answer = await told(gw.port, sent)
                assert b"Invalid HTTP request" not in answer, sent  # uvicorn's word for what it cannot read
                status = answer[9:12]
                answers[int(status) if status.isdigit() else 0] += 1

        await asyncio.gather(*[worker(REQUESTS // 20) for _ in range(20)])
    assert sum(answers.values()) == REQUESTS // 20 * 20
    seen: dict[int, Read] = {}
    for read in application.seen:
        numbers = [int(value) for name, value in read.headers if name == CASE.encode()]
        assert len(numbers) == 1, f"uvicorn read a request that the gateway did not send: {read}"
        assert numbers[0] not in seen, f"uvicorn read a request twice: {read}"
        seen[numbers[0]] = read
    for number, read in seen.items():
        assert difference(RECORDER.decided[number], read) == "", (RECORDER.decided[number], read)
    # a table of which nothing, or everything, gets through would prove nothing
    assert 0.1 * REQUESTS < answers[200] < 0.9 * REQUESTS, answers
    assert answers[400] > 0.1 * REQUESTS, answers
    assert answers[502] == 0, answers
