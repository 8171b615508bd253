"""The gateway as a process, with everything on, between processes that are killed, stopped and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from scrape import samples, value

from limits import limit
from redis_server import free_port
from running import CLIENT, SOURCE, process
from wire import ask, client, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import Self

    from running import Process
    from wire import Answer

TESTS = Path(__file__).parent.parent
CHAT = "/v1/chat/completions"


class Peer:
    """An upstream in a process of its own, on a port that stays."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.peer", str(self.port)],
            env={**os.environ, "PYTHONPATH": f"{TESTS}:{SOURCE}"},
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """End it as the kernel's out-of-memory killer would: its connections are reset or closed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def seen(self) -> list[str]:
        """Return how the requests that arrived asked to be answered; not those of the gateway itself."""
        plays: list[str] = orjson.loads((await ask(self.port, request("/v1/seen"))).body)
        return plays


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


def chat(play: str = "", *headers: str, key: str = "sk-1", text: str = "hello", **more: Any) -> bytes:
    """Return a chat completion that may be kept."""
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "temperature": 0, **more}
    given = [f"Authorization: Bearer {key}", "Content-Type: application/json", *headers]
    return request(CHAT, "POST", [*given, f"x-play: {play}"] if play else given, orjson.dumps(body))


def everything(*urls: str, redis: bool = False, usage: bool = False, **more: Any) -> dict[str, Any]:
    """Return a configuration with every middleware on; `more` are sections to replace."""
    store = "redis" if redis else "memory"
    return {
        "upstream": {"url": urls[0], "more_urls": urls[1:], **CLIENT, **more.pop("upstream", {})},
        "redis": {"enabled": redis, "timeout": 0.3, "connect_timeout": 0.3, "reconnect_delay_max": 0.3},
        "rate_limits": {
            "limits": [
                limit("requests", amount=100_000),
                limit("tokens", "tokens", 10_000_000, scope=["key"]),
                limit("streams", "concurrent", 500, scope=["key"]),
            ]
        },
        "sessions": {"enabled": True, "store": store},
        "cache": {"enabled": True, "store": store},
        "usage": {"enabled": usage, "interval": 0.05},
        "metrics": {"enabled": True, "listen": {"port": free_port()}},
        **more,
    }


@dataclass
class Stack:
    """A running gateway; its access log is collected while it runs."""

    gateway: Process
    metrics_port: int
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.gateway.port

    async def metric(self, name: str, **labels: str) -> float:
        return value(await samples(self.metrics_port), name, **labels)

    async def ended(self, how: str, number: int = 1) -> None:
        """Wait until the log has `number` requests that ended like this."""

        async def logged() -> bool:
            return [line["ended"] for line in self.log].count(how) >= number

        await until(logged)

    async def limits(self) -> str:
        """Say where limits are counted."""
        return str(orjson.loads((await ask(self.port, request("/readyz"))).body)["limits"])

    def resident(self) -> int:
        """Return the highest number of bytes that the process had in memory (proc_pid_status(5))."""
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    async def end(self) -> int:
        """Let it finish, and its log with it; return its exit status."""
        self.gateway.signal(signal.SIGTERM)
        return await asyncio.wait_for(self.gateway.end(), 20)

    def events(self) -> list[str]:
        """Return what it has said on standard error; only once it has ended."""
        return [message["event"] for message in self.gateway.messages]


@asynccontextmanager
async def stack(tmp_path: Path, config: dict[str, Any], **env: str) -> AsyncIterator[Stack]:
    """Run a gateway configured with `config`."""
    file = tmp_path / "gateway.yml"
    file.write_text(json.dumps({"drain": {"timeout": 2, "notice": 0}, **config}), encoding="utf-8")
    async with process("--config", str(file), env=env) as gateway:
        made = Stack(gateway, config["metrics"]["listen"]["port"])
        readers = [
            asyncio.ensure_future(_collect(gateway.process.stdout, made.log)),
            asyncio.ensure_future(_collect(gateway.process.stderr, gateway.messages)),
        ]
        try:
            yield made
            if gateway.process.returncode is not None:
                await asyncio.wait_for(asyncio.gather(*readers), 10)
        finally:
            for reader in readers:
                reader.cancel()


async def _collect(stream: asyncio.StreamReader | None, lines: list[dict[str, Any]]) -> None:
    assert stream is not None
    while line := await stream.readline():
        lines.append(json.loads(line))


@dataclass
class Load:
    """Clients that ask all the time, each the next question when it has its answer."""

    port: int
    clients: int = 8
    sessions: bool = True
    """Each has one: then it stays with the upstream that answered first."""
    answers: list[Answer] = field(default_factory=list)
    slowest: float = 0
    _stop: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def _ask(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        async with client(self.port) as connection:
            turn = 0
            while not self._stop:
                turn += 1
                began = loop.time()
                # every second question was asked before: it may be answered from the cache
                text = f"{number} {turn}" if turn % 2 else "again"
                session = [f"x-hx-session-id: s{number}"] if self.sessions else []
                await connection.send(chat("", *session, key=f"sk-{number}", text=text))
                self.answers.append(await connection.answer())
                self.slowest = max(self.slowest, loop.time() - began)
                await asyncio.sleep(0.005)

    async def answered(self, more: int) -> None:
        """Wait until `more` further requests were answered."""
        number = len(self.answers) + more
        async with asyncio.timeout(30):
            while len(self.answers) < number:
                await asyncio.sleep(0.01)
                for task in self._tasks:
                    if task.done():
                        task.result()

    def statuses(self) -> set[int]:
        return {answer.status for answer in self.answers}

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.ensure_future(self._ask(number)) for number in range(self.clients)]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)
