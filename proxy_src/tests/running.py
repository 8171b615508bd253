"""Gateways for tests: in this process, and as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hx_gateway.config import Config
from hx_gateway.generation import open_generation
from hx_gateway.log import LogSink
from hx_gateway.middleware import ServiceState
from hx_gateway.server import GatewayServer
from hx_gateway.views import open_views

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CLIENT: dict[str, str] = {}
"""The upstream client that tests do not choose themselves; the fixture `each_client` sets it."""

SOURCE = Path(__file__).parent.parent / "src"


def configured(url: str = "http://127.0.0.1:1", **sections: Any) -> Config:
    """Return a configuration; `upstream` is merged with the address, the listening port is any."""
    upstream = {"url": url, **CLIENT, **sections.pop("upstream", {})}
    return Config.model_validate({"listen": {"port": 0}, "upstream": upstream, **sections})


@dataclass
class Gateway:
    """A gateway in this process."""

    port: int
    server: GatewayServer
    log_fd: int
    metrics_port: int = 0

    def log(self) -> list[dict[str, Any]]:
        """Return the access log so far; only once the gateway has been left."""
        os.lseek(self.log_fd, 0, os.SEEK_SET)
        return [json.loads(line) for line in os.read(self.log_fd, 1 << 20).splitlines()]


@asynccontextmanager
async def gateway(url: str = "http://127.0.0.1:1", **sections: Any) -> AsyncIterator[Gateway]:
    """Run a gateway in front of `url`."""
    config = configured(url, **sections)
    fd = os.memfd_create("access-log")
    async with AsyncExitStack() as lifespan:
        log = LogSink(fd, interval=0.01)
        lifespan.callback(log.close)
        state = ServiceState()
        generation = await open_generation(config, log, state)
        lifespan.push_async_callback(generation.aclose)
        views = await open_views(config, log, state, lifespan)
        views.show(generation.services)
        server = GatewayServer(generation.handler, config, state, generation.services.on_refusal)
        _, port = await server.start()
        try:
            yield Gateway(port, server, fd, views.metrics_port or 0)
        finally:
            await server.drain(0, asyncio.Event())


@dataclass
class Process:
    """A gateway that was started by its command."""

    process: asyncio.subprocess.Process
    port: int
    messages: list[dict[str, Any]] = field(default_factory=list)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def message(self, event: str) -> dict[str, Any]:
        """Wait for a message on standard error and return it."""
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            message: dict[str, Any] = json.loads(line)
            self.messages.append(message)
            if message["event"] == event:
                return message
        raise AssertionError(f"{event} never came: {self.messages}")

    async def end(self) -> int:
        """Wait for the end and return the exit status."""
        return await self.process.wait()


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with the package importable."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), **more}


@asynccontextmanager
async def process(*arguments: str, env: Mapping[str, str] | None = None, group: bool = False) -> AsyncIterator[Process]:
    """Run `hx-gateway` with `arguments` on a free port and wait until it listens; in a process group if `group`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hx_gateway", "--listen", "127.0.0.1:0", *arguments),
        env=environment(**(env or {})),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=group,
    )
    made = Process(child, 0)
    try:
        made.port = (await made.message("listening"))["port"]
        yield made
    finally:
        if child.returncode is None:
            await _stop(child)


async def _stop(child: asyncio.subprocess.Process) -> None:
    """End a process as its operator would: one that is killed leaves no measure of which lines it ran."""
    for number in (signal.SIGTERM, signal.SIGINT):  # the second cuts what is under way
        child.send_signal(number)
    try:
        await asyncio.wait_for(child.wait(), 5)
    except TimeoutError:
        child.kill()
        await child.wait()


async def run(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run `hx-gateway` to its end; return exit status, output and errors."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hx_gateway", *arguments),
        env=environment(**(env or {})),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()
