"""The process: ready, draining, ended."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from running import process
from wire import ask, chunk, client, read_chunks, reply, request, upstream

if TYPE_CHECKING:
    from pathlib import Path

    from wire import Seen

CHUNKED = reply(200, b"", ["Transfer-Encoding: chunked"], length=False)


async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED + chunk(b"x"))
    await asyncio.sleep(30)


async def told(manager: socket.socket) -> bytes:
    """Return the next message to the service manager."""
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(manager, 100), 2)


async def test_sigterm_drains(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"one"))
        await go_on.wait()
        writer.write(chunk(b"two") + chunk(b""))

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        async with upstream(play) as up, process("--upstream", up.url, env=env) as gw:
            assert await told(manager) == b"READY=1\nSTATUS=Serving"
            async with client(gw.port) as stream, client(gw.port) as idle, client(gw.port) as upload:
                await stream.send(request())
                await stream.head()
                await upload.send(request("/v1/y", "POST", ["Content-Length: 6"]) + b"abc")
                await asyncio.sleep(0.1)
                gw.signal(signal.SIGTERM)
                draining = await gw.message("draining")
                assert (draining["requests"], draining["timeout"]) == (2, 600)
                assert await told(manager) == b"STOPPING=1\nSTATUS=Draining 2 requests"
                assert await asyncio.wait_for(idle.reader.read(), 1) == b""  # closed: nothing was asked on it
                with pytest.raises(ConnectionRefusedError):
                    await ask(gw.port, request())
                await upload.send(b"def")  # an upload that has begun is still read
                await asyncio.sleep(0.1)
                go_on.set()
                assert b"".join([piece async for piece in read_chunks(stream.reader)]) == b"onetwo"
                answer = await upload.answer()
                assert (answer.body, answer.get("Connection")) == (b"onetwo", "close")
            assert (await gw.message("stopped"))["cut"] == 0
            assert await gw.end() == 0
            assert gw.process.stdout is not None
            lines = [json.loads(line) for line in (await gw.process.stdout.read()).splitlines()]
            assert {line["path"]: line["ended"] for line in lines} == {"/v1/x": "complete", "/v1/y": "complete"}
            assert up.seen[1].body == b"abcdef"


async def test_what_outlasts_the_drain_is_cut(tmp_path: Path) -> None:
    async with upstream(endless) as up:
        file = tmp_path / "gateway.yml"
        file.write_text(json.dumps({"upstream": {"url": up.url}, "drain": {"timeout": 0.5}}))
        async with process("--config", str(file)) as gw, client(gw.port) as stream:
            await stream.send(request())
            await stream.head()
            gw.signal(signal.SIGTERM)
            start = time.monotonic()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                async for _ in read_chunks(stream.reader):
                    pass
            assert 0.3 < time.monotonic() - start < 3
            assert (await gw.message("stopped"))["cut"] == 1
            assert await gw.end() == 0
            assert gw.process.stdout is not None
            assert json.loads(await gw.process.stdout.read())["ended"] == "cut"
        await asyncio.wait_for(up.gone.wait(), 1)


async def test_a_second_signal_cuts_at_once() -> None:
    async with upstream(endless) as up, process("--upstream", up.url) as gw, client(gw.port) as stream:
        await stream.send(request())
        await stream.head()
        gw.signal(signal.SIGINT)
        await gw.message("draining")
        gw.signal(signal.SIGTERM)
        assert (await gw.message("stopped"))["cut"] == 1
        assert await gw.end() == 0
