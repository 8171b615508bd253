"""Clients under load: so many questions a second, and streams that are open all the while."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field

import aiohttp

RATE = 50
TO_LITELLM = 10
"""One of so many goes through to LiteLLM, which takes far more than the gateway on a small machine."""
STREAMS = 5
CHUNKS = 30
BETWEEN_MS = 500


@dataclass
class Counts:
    """What came of the requests."""

    answered: int = 0
    streamed: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


class Load:
    """Asks in the background from entering to leaving; what waits for an answer holds up nothing else."""

    def __init__(self, url: str, key: str) -> None:
        self.url = f"{url}/v1/chat/completions"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.counts = Counts()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    async def _run(self) -> None:
        # Connections that are kept and used again: those the gateway closes when it drains.
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=connector, headers=self.headers, timeout=timeout) as session:
            streams = [asyncio.create_task(self._stream_on(session, number)) for number in range(STREAMS)]
            await self._ask_on(session)
            await asyncio.gather(*streams)

    async def _ask_on(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        began, asked = loop.time(), 0
        under_way: set[asyncio.Task[None]] = set()
        while not self._ended.is_set():
            task = asyncio.create_task(self._ask(session, asked))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            asked += 1
            await asyncio.sleep(max(began + asked / RATE - loop.time(), 0))
        await asyncio.gather(*under_way)

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> None:
        said = f"question {0 if number % TO_LITELLM else number}"
        began = time.monotonic()
        try:
            async with session.post(self.url, json=_body(said)) as answer:
                content = await answer.json()
                if answer.status == 200 and content["choices"][0]["message"]["content"] == said:
                    self.counts.answered += 1
                else:
                    self.counts.failures.append(f"{answer.status} {content}")
        except (aiohttp.ClientError, TimeoutError) as error:
            self.counts.failures.append(f"{error!r} after {time.monotonic() - began:.1f} s")
        self.counts.slowest = max(self.counts.slowest, time.monotonic() - began)

    async def _stream_on(self, session: aiohttp.ClientSession, number: int) -> None:
        # They do not begin together, so that some are open whenever the gateway is restarted.
        await asyncio.sleep(number * CHUNKS * BETWEEN_MS / 1000 / STREAMS)
        while not self._ended.is_set():
            await self._stream(session)

    async def _stream(self, session: aiohttp.ClientSession) -> None:
        # Words of its own, which no cache has an answer for.
        words = [f"chunks:{CHUNKS}:{BETWEEN_MS}ms", *(f"word{time.time_ns()}" for _number in range(CHUNKS - 1))]
        pieces: list[str] = []
        last = b""
        try:
            async with session.post(self.url, json=_body(" ".join(words), stream=True)) as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        last = line.removeprefix(b"data: ").strip()
                        pieces += _pieces(last)
        except (aiohttp.ClientError, TimeoutError) as error:
            last = repr(error).encode()
        if last == b"[DONE]" and "".join(pieces).split() == words:
            self.counts.streamed += 1
        else:
            self.counts.failures.append(f"a stream was cut after {len(pieces)} pieces: {last.decode()}")


def _body(said: str, *, stream: bool = False) -> dict[str, object]:
    message = {"role": "user", "content": said}
    return {"model": "openai-chat", "messages": [message], "stream": stream, "temperature": 0}


def _pieces(data: bytes) -> list[str]:
    if data == b"[DONE]":
        return []
    choices = json.loads(data).get("choices") or []
    return [choice["delta"].get("content") or "" for choice in choices]
