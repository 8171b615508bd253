"""A server that answers as LiteLLM does, and a gateway with a cache in front of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from running import gateway
from wire import Answer, chunk, client, reply, request, until, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from running import Gateway
    from wire import Seen, Upstream

CHAT = "/v1/chat/completions"
JSON = "Content-Type: application/json"


@dataclass
class LiteLLM:
    """Answers each call with its number; knows keys and the models of each."""

    keys: dict[str, set[str]] = field(default_factory=lambda: {"sk-a": {"m", "n"}, "sk-b": {"m"}})
    calls: int = 0
    asked: int = 0
    status: int = 200
    body: Any = None
    events: int = 3
    pause: float = 0
    hold: asyncio.Event | None = None
    hold_after: int = 0
    """Events of a stream that are sent before `hold` is waited for."""
    broken: bool = False
    last: bytes = b"data: [DONE]\n\n"

    async def __call__(self, seen: Seen, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allowed = self.keys.get((seen.get("Authorization") or "").removeprefix("Bearer "))
        if seen.target == "/v1/models":
            self.asked += 1
            listed = orjson.dumps({"data": [{"id": model} for model in allowed or ()]})
            writer.write(reply(200, listed, [JSON]) if allowed is not None else reply(401, b'{"error":{}}', [JSON]))
            return
        self.calls += 1
        number = self.calls
        document = orjson.loads(seen.body)
        if allowed is None or document["model"] not in allowed:
            writer.write(reply(401 if allowed is None else 403, b'{"error":{}}', [JSON]))
        elif document.get("stream"):
            await self.stream(number, writer)
        else:
            if self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(self.pause)
            headers = [JSON, f"x-litellm-call-id: c{number}", "x-litellm-response-cost: 0.1", "Set-Cookie: a=b"]
            body = self.body if self.body is not None else {"n": number, "usage": {"prompt_tokens": 1}}
            writer.write(reply(self.status, orjson.dumps(body), headers))

    async def stream(self, number: int, writer: asyncio.StreamWriter) -> None:
        head = reply(200, b"", ["Content-Type: text/event-stream", "Transfer-Encoding: chunked"], length=False)
        writer.write(head)
        for index in range(self.events):
            if self.hold is not None and index == self.hold_after:
                await self.hold.wait()
            writer.write(chunk(f'data: {{"n":{number},"i":{index}}}\n\n'.encode()))
            await writer.drain()
            await asyncio.sleep(0.01)
        if self.broken:
            writer.close()
            return
        if self.last:
            writer.write(chunk(self.last))
        writer.write(chunk(b""))


@dataclass
class House:
    port: int
    litellm: LiteLLM
    server: Upstream
    gateway: Gateway
    log: list[dict[str, Any]] = field(default_factory=list)

    async def under_way(self, number: int) -> None:
        """Wait until the gateway has so many requests."""
        await until(lambda: self.gateway.server.active == number)

    async def ask(self, *headers: str, key: str = "sk-a", target: str = CHAT, **document: Any) -> Answer:
        async with client(self.port) as connection:
            await connection.send(self.request(*headers, key=key, target=target, **document))
            return await connection.answer()

    def request(self, *headers: str, key: str = "sk-a", target: str = CHAT, **document: Any) -> bytes:
        body = {"model": "m", "temperature": 0, "messages": [], **document}
        credential = [f"Authorization: Bearer {key}"] if key else []
        return request(target, "POST", [JSON, *credential, *headers], orjson.dumps(body))


@asynccontextmanager
async def house(
    litellm: LiteLLM | None = None, store: str = "memory", limits: Sequence[dict[str, Any]] = (), **cache: Any
) -> AsyncIterator[House]:
    litellm = litellm or LiteLLM()
    async with upstream(litellm) as server:
        sections = {"cache": {"enabled": True, "store": store, **cache}, "redis": {"enabled": store == "redis"}}
        sections["rate_limits"] = {"limits": list(limits)}
        async with gateway(server.url, **sections) as running:
            made = House(running.port, litellm, server, running)
            yield made
        made.log += running.log()


def labels(answers: list[Answer]) -> list[str | None]:
    return [answer.get("x-hx-cache") for answer in answers]


async def gone(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
