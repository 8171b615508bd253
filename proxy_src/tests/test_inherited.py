"""Sockets held by another process: restarts refuse no connection."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hx_gateway.inherited import inherited_sockets

from running import environment
from wire import ask, client, reply, request, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wire import Seen

ACTIVATE = """export LISTEN_FDS=0 LISTEN_PID=$$
for fd in $FDS; do eval "exec $((3 + LISTEN_FDS++))<&$fd"; done
exec "$@"
"""
"""What systemd does: the sockets are file descriptors from 3, and the variables name this very process."""


@asynccontextmanager
async def activated(listeners: list[socket.socket], *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a gateway on `listeners`; yields when it, or its first worker, is ready."""
    numbers = [listener.fileno() for listener in listeners]
    child = await asyncio.create_subprocess_exec(
        *("bash", "-c", ACTIVATE, "sh", sys.executable, "-m", "hx_gateway", *arguments),
        env=environment(FDS=" ".join(map(str, numbers))),
        pass_fds=numbers,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stderr is not None
    try:
        while b'"listening"' not in (line := await child.stderr.readline()):
            assert line
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 0),
        ({"LISTEN_FDS": "1"}, 0),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "1"}, 0),
        ({"LISTEN_FDS": "x", "LISTEN_PID": "self"}, 0),
    ],
)
def test_what_is_meant_for_others_is_left_alone(
    variables: dict[str, str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(os.getpid()) if value == "self" else value)
    assert len(inherited_sockets()) == count
    assert "LISTEN_FDS" not in os.environ


def test_a_socket_that_does_not_listen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        monkeypatch.setenv("HX_GATEWAY_LISTEN_FDS", str(os.dup(other.fileno())))
        with pytest.raises(OSError, match="is not a listening socket"):
            inherited_sockets()


@pytest.mark.parametrize("workers", [1, 2])
async def test_all_sockets_are_served(workers: int, tmp_path: Path) -> None:
    config = tmp_path / "gateway.yml"
    config.write_text(json.dumps({"upstream": {"url": "http://127.0.0.1:1"}, "workers": workers}))
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        async with activated([first, second], "--config", str(config)) as gateway:
            for listener in (first, second):
                port = listener.getsockname()[1]
                assert (await asyncio.wait_for(ask(port, request("/healthz")), 5)).status == 200
            gateway.terminate()
            assert await asyncio.wait_for(gateway.wait(), 10) == 0


async def test_eight_restarts_under_load_refuse_and_surprise_nobody() -> None:
    """Clients keep their connections, as they do; one is replaced only when an answer said `Connection: close`."""
    asked = closed = 0
    end = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"x" * 1000))

    async def ask_on(port: int) -> None:
        nonlocal asked, closed
        while not end.is_set():
            async with client(port) as connection:
                while not end.is_set():
                    await connection.send(request())
                    answer = await connection.answer()
                    assert answer.status == 200
                    asked += 1
                    if answer.get("Connection") == "close":
                        closed += 1
                        break
                    await asyncio.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        async with upstream(play) as up:
            asking: list[asyncio.Task[None]] = []
            for start in range(9):
                async with activated([listener], "--upstream", up.url) as gateway:
                    asking = asking or [asyncio.create_task(ask_on(listener.getsockname()[1])) for _ in range(20)]
                    await asyncio.sleep(0.4)
                    gateway.terminate()
                    if start == 8:
                        end.set()
                        await asyncio.gather(*asking)
                    assert await asyncio.wait_for(gateway.wait(), 10) == 0
    assert asked > 500
    assert closed >= 7 * 20
