"""Several workers: started, replaced, reloaded and ended together."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hx_gateway.worker import for_worker

from running import configured, process, run
from wire import ask, chunk, client, read_chunks, reply, request, upstream

if TYPE_CHECKING:
    import pytest

    from running import Process
    from wire import Seen


def write(file: Path, url: str, **sections: Any) -> str:
    file.write_text(json.dumps({"upstream": {"url": url}, "workers": 2, **sections}))
    return str(file)


async def started(gateway: Process) -> None:
    """Wait for the second worker; the first is waited for when the process is made."""
    await gateway.message("listening")


def pids(gateway: Process) -> list[int]:
    return [message["pid"] for message in gateway.messages if message["event"] == "worker_started"]


async def test_workers_are_replaced_and_drain_together(tmp_path: Path) -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"one"))
        await asyncio.sleep(1)
        writer.write(chunk(b"two") + chunk(b""))

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        loop = asyncio.get_running_loop()
        async with upstream(play) as up:
            config = write(tmp_path / "gateway.yml", up.url)
            env = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
            async with process("--config", config, env=env) as gw:
                await started(gw)
                assert await asyncio.wait_for(loop.sock_recv(manager, 100), 5) == b"READY=1"
                first = pids(gw)
                assert len(first) == 2
                os.kill(first[0], signal.SIGKILL)
                assert (await gw.message("worker_died"))["pid"] == first[0]
                assert (await ask(gw.port, request("/healthz"))).status == 200  # the other one goes on
                await gw.message("listening")
                assert len(set(pids(gw))) == 3
                async with client(gw.port) as stream:
                    await stream.send(request())
                    await stream.head()
                    gw.signal(signal.SIGTERM)
                    assert await asyncio.wait_for(loop.sock_recv(manager, 100), 5) == b"STOPPING=1"
                    assert b"".join([piece async for piece in read_chunks(stream.reader)]) == b"onetwo"
                assert (await gw.message("supervised"))["status"] == 0
                assert await gw.end() == 0
                for pid in pids(gw):
                    assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110, ASYNC240 - a look, not a file


async def test_workers_end_with_their_supervisor_however_it_ends(tmp_path: Path) -> None:
    async with upstream() as up:
        async with process("--config", write(tmp_path / "gateway.yml", up.url)) as gw:
            await started(gw)
            workers = pids(gw)
            gw.signal(signal.SIGKILL)
            await gw.end()
        for _ in range(100):
            if not any(is_running(pid) for pid in workers):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"still there: {workers}")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_all_are_reloaded(tmp_path: Path) -> None:
    async with upstream() as up:
        config = write(tmp_path / "gateway.yml", up.url)
        async with process("--config", config) as gw:
            await started(gw)
            write(tmp_path / "gateway.yml", up.url, limits={"body_max": 2})
            gw.signal(signal.SIGHUP)
            await gw.message("reloaded")
            await gw.message("reloaded")
            for _ in range(10):
                assert (await ask(gw.port, request("/v1/x", "POST", body=b"abc"))).status == 413


async def test_workers_that_cannot_start_end_it(tmp_path: Path) -> None:
    config = write(tmp_path / "gateway.yml", "http://127.0.0.1:1", redis={"enabled": True})
    status, _, errors = await run("--config", config, "--listen", "127.0.0.1:0")
    assert status == 78
    assert "REDIS_URL" in errors


def test_each_shows_its_own_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(metrics={"enabled": True, "listen": {"port": 5000}})
    monkeypatch.setenv("HX_GATEWAY_WORKER", "0")
    assert for_worker(config).metrics.listen.port == 5000
    monkeypatch.setenv("HX_GATEWAY_WORKER", "3")
    assert for_worker(config).metrics.listen.port == 5003
    config = configured(metrics={"unix_socket": "/run/m"})
    assert for_worker(config).metrics.unix_socket == "/run/m.3"
