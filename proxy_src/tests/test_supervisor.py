"""Several workers: started, replaced, reloaded and ended together."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scrape import samples, value

from limits import limit
from running import process, run
from wire import Client, ask, chunk, client, read_chunks, reply, request, say, upstream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from running import Process
    from wire import Seen


def write(file: Path, url: str, **sections: Any) -> str:
    file.write_text(json.dumps({"upstream": {"url": url}, "workers": 2, **sections}))
    return str(file)


async def started(gateway: Process) -> None:
    """Wait for the second worker; the first is waited for when the process is made."""
    await gateway.message("listening")


async def told(manager: socket.socket) -> str:
    """Return the next message to the service manager."""
    return (await asyncio.wait_for(asyncio.get_running_loop().sock_recv(manager, 4096), 10)).decode()


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
        async with upstream(play) as up:
            config = write(tmp_path / "gateway.yml", up.url)
            env = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
            async with process("--config", config, env=env) as gw:
                await started(gw)
                assert (await told(manager)).startswith("READY=1\nSTATUS=Serving with the configuration of ")
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
                    assert await told(manager) == "STOPPING=1\nSTATUS=Draining"
                    assert b"".join([piece async for piece in read_chunks(stream.reader)]) == b"onetwo"
                assert (await gw.message("supervised"))["status"] == 0
                assert await gw.end() == 0
                for pid in pids(gw):
                    assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110, ASYNC240 - a look, not a file


async def systemd_stops(gateway: Process) -> None:
    """Tell the main process alone, as KillMode=mixed does."""
    gateway.signal(signal.SIGTERM)


async def terminal_interrupts(gateway: Process) -> None:
    """Tell the whole process group, as Ctrl-C does; the supervisor later, so that no two signals become one."""
    gateway.signal(signal.SIGSTOP)
    os.killpg(gateway.process.pid, signal.SIGINT)
    await asyncio.sleep(0.3)
    gateway.signal(signal.SIGCONT)


@pytest.mark.parametrize("stop", [systemd_stops, terminal_interrupts])
async def test_streams_of_all_workers_end_within_the_drain(
    tmp_path: Path, stop: Callable[[Process], Awaitable[None]]
) -> None:
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"one"))
        await go_on.wait()
        writer.write(chunk(b"two") + chunk(b""))

    async with upstream(play) as up, AsyncExitStack() as stack:
        async with process("--config", write(tmp_path / "gateway.yml", up.url), group=True) as gw:
            await started(gw)
            streams = [await stack.enter_async_context(client(gw.port)) for _ in range(20)]
            for stream in streams:
                await stream.send(request())
                await stream.head()
            await stop(gw)
            draining = [(await gw.message("draining"))["requests"] for _ in range(2)]
            assert sum(draining) == 20
            await asyncio.sleep(0.3)
            go_on.set()
            for stream in streams:
                assert b"".join([piece async for piece in read_chunks(stream.reader)]) == b"onetwo"
            await gw.message("supervised")
            assert [said["cut"] for said in gw.messages if said["event"] == "stopped"] == [0, 0]
            assert await gw.end() == 0


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
    file = tmp_path / "gateway.yml"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)

        async with upstream() as up:
            config = write(file, up.url)
            async with process("--config", config, env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as gw:
                ready = await told(manager)
                write(file, up.url, limits={"body_max": 2})
                gw.signal(signal.SIGHUP)
                assert (await told(manager)).startswith("RELOADING=1\nMONOTONIC_USEC=")
                reloaded = await told(manager)  # not before each of them has
                for _ in range(10):
                    assert (await ask(gw.port, request("/v1/x", "POST", body=b"abc"))).status == 413
                assert reloaded.startswith("READY=1\nSTATUS=Serving with the configuration of ")
                assert reloaded > ready
                file.write_text("upstream: 1")
                gw.signal(signal.SIGHUP)
                assert (await told(manager)).startswith("RELOADING=1\n")
                refused = await told(manager)
                assert refused.startswith(f"{reloaded}; refused that of ")
                assert refused.endswith("upstream: must be a mapping")


async def test_one_that_is_being_started_is_reloaded_too(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        async with upstream() as up:
            config = write(file, up.url)
            async with process("--config", config, env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as gw:
                await told(manager)
                os.kill(pids(gw)[0], signal.SIGKILL)
                await gw.message("worker_died")
                await gw.message("worker_started")
                write(file, up.url, limits={"body_max": 2})
                gw.signal(signal.SIGHUP)  # it would end the one that has just begun
                await gw.message("reloaded")
                await gw.message("reloaded")
                for _ in range(10):
                    assert (await ask(gw.port, request("/v1/x", "POST", body=b"abc"))).status == 413
                assert len(pids(gw)) == 3


async def test_workers_that_cannot_start_end_it(tmp_path: Path) -> None:
    config = write(tmp_path / "gateway.yml", "http://127.0.0.1:1", redis={"enabled": True})
    status, _, errors = await run("--config", config, "--listen", "127.0.0.1:0")
    assert status == 78
    assert "REDIS_URL" in errors


ON: dict[str, Any] = {"metrics": {"enabled": True, "listen": {"port": 0}}}


async def page_of(gateway: Process) -> int:
    """Wait for all workers; return the port of the page."""
    await started(gateway)
    (said,) = [message for message in gateway.messages if message["event"] == "metrics_listening"]
    return int(said["port"])


async def spread(gateway: Process, request: bytes, number: int = 40) -> None:
    """Ask on so many connections that every worker gets some."""
    for _ in range(number):
        assert (await ask(gateway.port, request)).status == 200


async def test_one_page_shows_all_workers(tmp_path: Path) -> None:
    async with upstream() as up, process("--config", write(tmp_path / "gateway.yml", up.url, **ON)) as gw:
        port = await page_of(gw)
        await spread(gw, request())
        found = await samples(port)
        assert sum(found["hx_gateway_requests_total"].values()) == 40
        assert value(found, "hx_gateway_upstream_requests_total") == 40
        assert value(found, "http_server_active_requests") == 0
        assert value(found, "hx_gateway_build_info") == 1
        for worker in ("0", "1"):
            assert value(found, "hx_gateway_worker_up", worker=worker) == 1
            assert value(found, "process_resident_memory_bytes", worker=worker) > 1e6
            assert value(found, "hx_gateway_event_loop_lag_seconds_count", worker=worker) >= 0
        assert value(found, "process_open_fds", worker="supervisor") > 3


async def test_what_a_worker_counted_outlives_it_and_a_reload(tmp_path: Path) -> None:
    async with upstream() as up, process("--config", write(tmp_path / "gateway.yml", up.url, **ON)) as gw:
        port = await page_of(gw)
        await spread(gw, request())
        assert sum((await samples(port))["hx_gateway_requests_total"].values()) == 40
        os.kill(pids(gw)[0], signal.SIGKILL)
        await gw.message("worker_died")
        found = await samples(port)  # nobody is there to be asked
        assert sum(found["hx_gateway_requests_total"].values()) == 40
        assert value(found, "hx_gateway_worker_up", worker="0") == 0
        assert value(found, "hx_gateway_worker_up", worker="1") == 1
        await gw.message("listening")
        gw.signal(signal.SIGHUP)
        await gw.message("reloaded")
        await gw.message("reloaded")
        await spread(gw, request(), 10)
        found = await samples(port)
        assert sum(found["hx_gateway_requests_total"].values()) == 50
        assert value(found, "hx_gateway_upstream_requests_total") == 50
        assert value(found, "hx_gateway_worker_up", worker="0") == 1


async def test_a_worker_that_stands_still_is_left_out(tmp_path: Path) -> None:
    async with upstream() as up, process("--config", write(tmp_path / "gateway.yml", up.url, **ON)) as gw:
        port = await page_of(gw)
        await samples(port)
        os.kill(pids(gw)[1], signal.SIGSTOP)
        try:
            found = await samples(port)
            assert value(found, "hx_gateway_worker_up", worker="1") == 0
            assert "process_open_fds" in found
            assert not any(("worker", "1") in labels for labels in found["process_open_fds"])
        finally:
            os.kill(pids(gw)[1], signal.SIGCONT)
        assert value(await samples(port), "hx_gateway_worker_up", worker="1") == 1


async def test_a_purge_reaches_every_worker(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    sections = {"cache": {"enabled": True}, "admin": {"socket": str(path)}}
    kept = request(
        "/v1/embeddings",
        "POST",
        ["Authorization: Bearer sk-1", "Content-Type: application/json"],
        b'{"model":"m","input":"x"}',
    )
    answered = reply(200, b'{"object":"list","data":[],"model":"m"}', ["Content-Type: application/json"])
    async with upstream(say(answered)) as up:
        async with process("--config", write(tmp_path / "gateway.yml", up.url, **sections)) as gw:
            await started(gw)
            await spread(gw, kept)
            counts = await operate(path, "GET", "/cache")
            assert (counts["entries"], counts["hit"], counts["miss"]) == (2, 38, 2)
            assert await operate(path, "DELETE", "/cache?all=1") == {"purged": "all", "entries": 2}
            assert (await operate(path, "GET", "/cache"))["entries"] == 0
            await spread(gw, kept)
            assert len(up.seen) == 4
            assert "error" in await operate(path, "DELETE", "/cache?all=2")
            os.kill(pids(gw)[0], signal.SIGKILL)
            await gw.message("worker_died")
            assert (await operate(path, "DELETE", "/cache?all=1"))["entries"] == 1


async def operate(path: Path, method: str, target: str) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    connection = Client(reader, writer)
    await connection.send(request(target, method))
    found: dict[str, Any] = json.loads((await connection.answer()).body)
    writer.close()
    return found


async def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        metrics = {"enabled": True, "listen": {"port": port}}
        config = write(tmp_path / "gateway.yml", "http://127.0.0.1:1", metrics=metrics)
        status, _, errors = await run("--config", config, "--listen", "127.0.0.1:0")
    assert status == 1
    assert f"cannot listen for metrics on 127.0.0.1 port {port}" in errors


async def test_limits_are_those_of_the_gateway_not_of_each_worker(tmp_path: Path) -> None:
    sections = {"rate_limits": {"limits": [limit(amount=10)]}, **ON}
    async with upstream() as up:
        async with process("--config", write(tmp_path / "gateway.yml", up.url, **sections)) as gw:
            port = await page_of(gw)
            statuses = [(await ask(gw.port, request())).status for _ in range(30)]
            assert (statuses.count(200), statuses.count(429)) == (10, 20)
            assert value(await samples(port), "hx_gateway_limits_store", store="memory") == 1
            gw.signal(signal.SIGHUP)  # what was used stays used
            await gw.message("reloaded")
            await gw.message("reloaded")
            assert (await ask(gw.port, request())).status == 429


async def test_requests_of_a_client_are_counted_over_all_workers(tmp_path: Path) -> None:
    async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"x"))
        await asyncio.sleep(30)

    async def taken(stack: AsyncExitStack) -> int:
        """Ask 20 times; return how many streams were let through, which stay open."""
        found = 0
        for _ in range(20):
            stream = await stack.enter_async_context(client(gw.port))
            await stream.send(request())
            found += (await stream.head()).status == 200
        return found

    sections = {"limits": {"streams_per_client": 3}}
    async with upstream(endless) as up, AsyncExitStack() as stack:
        async with process("--config", write(tmp_path / "gateway.yml", up.url, **sections)) as gw:
            await started(gw)
            assert await taken(stack) == 3
            await stack.aclose()
            await asyncio.sleep(0.3)
            assert await taken(stack) == 3
            for pid in pids(gw):  # with a worker go the places that it held
                os.kill(pid, signal.SIGKILL)
            await gw.message("listening")
            await gw.message("listening")
            assert await taken(stack) == 3
