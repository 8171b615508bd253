"""Clients under load: so many questions a second, and streams that are open all the while."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field

import aiohttp

CHUNKS = 30
BETWEEN_MS = 500
TIMEOUT = 120


@dataclass
class Counts:
    """What came of the requests."""

    answered: int = 0
    streamed: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in a line, with an example of each kind of failure."""
        examples = "".join(f"\n{failure}" for failure in sorted(set(self.failures))[:10])
        return (
            f"{self.answered} answers, the slowest after {self.slowest:.1f} s, {self.streamed} whole streams,"
            f" {len(self.failures)} failed{examples}"
        )


class Load:
    """Asks in the background from entering to leaving; what waits for an answer holds up nothing else.

    Asks `model` `rate` questions a second, and keeps `streams` streams open besides. One of `new_every` questions was
    never asked; a gateway with a cache answers the others by itself, where LiteLLM would not bear as many.
    """

    def __init__(
        self, url: str, key: str, *, rate: int = 20, model: str = "openai-chat", new_every: int = 1, streams: int = 0
    ) -> None:
        self.url = f"{url}/v1/chat/completions"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.rate, self.model, self.new_every, self.streams = rate, model, new_every, streams
        self.counts = Counts()
        self.lasted = 0.0
        self._began = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Load:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.lasted = time.monotonic() - self._began
        self._ended.set()
        self._thread.join()
        print(f"{self.lasted:.0f} s: {self.counts}")

    def nobody_noticed(self) -> None:
        """Fail where a request did, or where far fewer were answered than should have been asked."""
        assert self.counts.failures == []
        assert self.counts.answered >= self.rate * self.lasted * 0.9
        assert self.counts.streamed >= self.streams

    async def _run(self) -> None:
        # Connections that are kept and used again: those the gateway closes when it drains.
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(connector=connector, headers=self.headers, timeout=timeout) as session:
            streams = [asyncio.create_task(self._stream_on(session, number)) for number in range(self.streams)]
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
            await asyncio.sleep(max(began + asked / self.rate - loop.time(), 0))
        await asyncio.gather(*under_way)

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> None:
        said = f"question {0 if number % self.new_every else number} of {self._began}"
        began = time.monotonic()
        try:
            async with session.post(self.url, json=self._body(said)) as answer:
                content = await answer.json()
                if answer.status == 200 and content["choices"][0]["message"]["content"] == said:
                    self.counts.answered += 1
                else:
                    self.counts.failures.append(f"{answer.status} {content}")
        except Exception as error:
            self.counts.failures.append(f"{error!r} after {time.monotonic() - began:.1f} s")
        self.counts.slowest = max(self.counts.slowest, time.monotonic() - began)

    async def _stream_on(self, session: aiohttp.ClientSession, number: int) -> None:
        # They do not begin together, so that some are open whenever the gateway is restarted.
        await asyncio.sleep(number * CHUNKS * BETWEEN_MS / 1000 / self.streams)
        while not self._ended.is_set():
            await self._stream(session)

    async def _stream(self, session: aiohttp.ClientSession) -> None:
        # Words of its own, which no cache has an answer for.
        words = [f"chunks:{CHUNKS}:{BETWEEN_MS}ms", *(f"word{time.time_ns()}" for _number in range(CHUNKS - 1))]
        pieces: list[str] = []
        last = b""
        try:
            async with session.post(self.url, json=self._body(" ".join(words), stream=True)) as answer:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        last = line.removeprefix(b"data: ").strip()
                        pieces += _pieces(last)
        except Exception as error:
            last = repr(error).encode()
        if last == b"[DONE]" and "".join(pieces).split() == words:
            self.counts.streamed += 1
        else:
            self.counts.failures.append(f"a stream was cut after {len(pieces)} pieces: {last.decode()}")

    def _body(self, said: str, *, stream: bool = False) -> dict[str, object]:
        message = {"role": "user", "content": said}
        return {"model": self.model, "messages": [message], "stream": stream, "temperature": 0}


def _pieces(data: bytes) -> list[str]:
    if data == b"[DONE]":
        return []
    choices = json.loads(data).get("choices") or []
    return [choice["delta"].get("content") or "" for choice in choices]
