"""SIGHUP under way."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.reload import restart_needed
from scrape import samples, value

from limits import limit
from running import SOURCE, configured, process
from wire import ask, chunk, client, read_chunks, reply, request, upstream

if TYPE_CHECKING:
    from wire import Seen


def write(file: Path, url: str, **sections: Any) -> None:
    file.write_text(json.dumps({"upstream": {"url": url}, **sections}))


def test_keys_that_need_a_restart_are_named() -> None:
    old = configured()
    new = configured(
        limits={"body_max": 5},
        workers=2,
        metrics={"models": ["a"]},
        admin={"socket": "/a"},
        listen={"port": 1, "backlog": 9},
    )
    assert restart_needed(old, old) == []
    assert restart_needed(old, new) == ["listen.port", "listen.backlog", "metrics", "admin", "workers"]
    assert restart_needed(old, configured(listen={"port": 0, "keepalive_timeout": 3})) == []


async def test_new_requests_get_the_new_pipeline_and_old_ones_finish(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"one"))
        await go_on.wait()
        writer.write(chunk(b"two") + chunk(b""))

    file = tmp_path / "gateway.yml"
    async with upstream(play) as old, upstream() as new:
        write(file, old.url)
        async with process("--config", str(file)) as gw, client(gw.port) as stream, client(gw.port) as idle:
            await stream.send(request())
            await stream.head()
            await idle.send(request("/healthz"))
            await idle.answer()
            write(file, new.url, limits={"body_max": 5}, listen={"backlog": 7})
            gw.signal(signal.SIGHUP)
            said = await gw.message("reloaded")
            assert (said["requests"], said["restart_needed"]) == (1, ["listen.backlog"])
            await idle.send(request("/v1/x", "POST", body=b"hello"))  # the connection is kept
            assert (await idle.answer()).body == b"hello"
            assert (await ask(gw.port, request("/v1/x", "POST", body=b"longer"))).status == 413
            assert (len(old.seen), len(new.seen)) == (1, 1)
            go_on.set()
            assert b"".join([piece async for piece in read_chunks(stream.reader)]) == b"onetwo"
            await asyncio.sleep(0.2)
            assert old.gone.is_set() is False
            gw.signal(signal.SIGTERM)
            assert (await gw.message("stopped"))["cut"] == 0
            assert await gw.end() == 0


async def test_refusals_are_reported_by_the_pipeline_in_force(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    write(file, "http://127.0.0.1:1")
    async with process("--config", str(file)) as gw:
        assert (await ask(gw.port, b"no HTTP\r\n\r\n")).status == 400
        write(file, "http://127.0.0.1:1", middlewares={"disable": ["access_log"]})
        gw.signal(signal.SIGHUP)
        await gw.message("reloaded")
        assert (await ask(gw.port, b"no HTTP\r\n\r\n")).status == 400
        gw.signal(signal.SIGTERM)
        assert await gw.end() == 0
        assert gw.process.stdout is not None
        assert [json.loads(line)["event"] for line in (await gw.process.stdout.read()).splitlines()] == ["refused"]


async def test_the_drain_is_the_one_in_force(tmp_path: Path) -> None:
    async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"one"))
        await asyncio.sleep(30)

    file = tmp_path / "gateway.yml"
    async with upstream(endless) as up:
        write(file, up.url)
        async with process("--config", str(file)) as gw, client(gw.port) as stream:
            await stream.send(request())
            await stream.head()
            write(file, up.url, drain={"timeout": 0.5})
            gw.signal(signal.SIGHUP)
            assert (await gw.message("reloaded"))["restart_needed"] == []
            file.write_text("{")
            gw.signal(signal.SIGHUP)
            await gw.message("reload_refused")
            gw.signal(signal.SIGTERM)
            assert (await gw.message("draining"))["timeout"] == 0.5
            assert (await asyncio.wait_for(gw.message("stopped"), 5))["cut"] == 1


async def test_a_bad_file_is_refused_and_what_runs_stays(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)

        async def told() -> str:
            """Return the next message to the service manager."""
            return (await asyncio.wait_for(asyncio.get_running_loop().sock_recv(manager, 4096), 5)).decode()

        async with upstream() as up:
            write(file, up.url)
            (tmp_path / "half.py").write_text("def")
            path = f"{SOURCE}:{Path(__file__).parent}:{tmp_path}"
            env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PYTHONPATH": path}
            async with process("--config", str(file), env=env) as gw:
                serving = f"READY=1\nSTATUS=Serving with the configuration of {age(file)}"
                assert await told() == serving
                for text, reason in (
                    ("upstream: {url: 'http://a:1'}\nlimits: {body_max: -1}", "limits.body_max"),
                    ("{", "line"),
                    ("drain: 2024-02-30", "line 1: no timestamp"),
                    ("upstream: {url: 'http://a:1'}\nmiddlewares: {add: [{factory: 'half:x'}]}", "SyntaxError"),
                    ("upstream: {url: 'http://a:1'}\nmiddlewares: {add: [{factory: 'plugins:keeps'}]}", "KeyError"),
                    ("upstream: {url: 'http://a:1'}\nmiddlewares: {add: [{factory: 'no:x'}]}", "middlewares.add"),
                    ("upstream: {url: 'http://a:1'}\nmiddlewares: {add: [{factory: 'plugins:fails'}]}", "OSError: no"),
                    ("upstream: {url: 'http://a:1'}\nredis: {enabled: true}", "REDIS_URL"),
                ):
                    file.write_text(text)
                    gw.signal(signal.SIGHUP)
                    said = (await gw.message("reload_refused"))["reason"]
                    assert reason in said
                    assert (await told()).startswith("RELOADING=1\nMONOTONIC_USEC=")
                    assert await told() == f"{serving}; refused that of {age(file)}: {said}"
                    assert (await ask(gw.port, request("/v1/x", "POST", body=b"a"))).body == b"a"
                write(file, up.url, metrics={"models": ["a"]})
                gw.signal(signal.SIGHUP)
                await gw.message("reloaded")
                await told()
                now = f"READY=1\nSTATUS=Serving with the configuration of {age(file)}"
                assert await told() == f"{now}; restart needed: metrics"
                assert (await ask(gw.port, request())).status == 200


@pytest.mark.parametrize(("limits", "place"), [([], "off"), ([limit()], "memory")])
async def test_a_refused_file_does_not_change_where_limits_are_said_to_be_counted(
    limits: list[dict[str, Any]], place: str, tmp_path: Path
) -> None:
    file = tmp_path / "gateway.yml"
    env = {"PYTHONPATH": f"{SOURCE}:{Path(__file__).parent}"}
    other = {"limits": [] if limits else [limit()]}

    async def said() -> str:
        return str(json.loads((await ask(gw.port, request("/readyz"))).body)["limits"])

    async with upstream() as up:
        write(file, up.url, rate_limits={"limits": limits})
        async with process("--config", str(file), env=env) as gw:
            assert await said() == place
            write(file, up.url, rate_limits=other, middlewares={"add": [{"factory": "plugins:fails"}]})
            gw.signal(signal.SIGHUP)
            await gw.message("reload_refused")
            assert await said() == place
            write(file, up.url, rate_limits=other)
            gw.signal(signal.SIGHUP)
            await gw.message("reloaded")
            assert await said() == {"off": "memory", "memory": "off"}[place]


async def test_counters_go_on_where_they_were(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    metrics = {"enabled": True, "listen": {"port": 0}}
    go_on = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"one"))
        await go_on.wait()
        writer.write(chunk(b"two") + chunk(b""))

    async with upstream() as up, upstream(play) as slow:
        write(file, slow.url, metrics=metrics)
        async with process("--config", str(file)) as gw, client(gw.port) as stream:
            (said,) = [message for message in gw.messages if message["event"] == "metrics_listening"]
            await stream.send(request())
            await stream.head()
            write(file, up.url, metrics=metrics)
            gw.signal(signal.SIGHUP)
            await gw.message("reloaded")
            await ask(gw.port, request())
            found = await samples(said["port"])
            assert value(found, "http_server_active_requests") == 1  # of the pipeline that is going
            sent = found["hx_gateway_upstream_requests_total"]
            assert sorted(sent.values()) == [1, 1]
            assert len(found["hx_gateway_upstream_healthy"]) == 1
            go_on.set()
            assert b"".join([piece async for piece in read_chunks(stream.reader)]) == b"onetwo"
            await asyncio.sleep(0.2)
            found = await samples(said["port"])
            assert found["hx_gateway_upstream_requests_total"] == sent
            assert sum(found["hx_gateway_requests_total"].values()) == 2
            assert value(found, "http_server_active_requests") == 0


def age(file: Path) -> str:
    """Return the time of a file as the status names it."""
    nanoseconds = file.stat().st_mtime_ns
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9)) + f".{nanoseconds // 1000 % 10**6:06}Z"


async def test_no_request_fails_while_it_reloads_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    statuses: list[int] = []
    async with upstream() as up:
        write(file, up.url)
        async with process("--config", str(file)) as gw:

            async def ask_on(end: asyncio.Event) -> None:
                async with client(gw.port) as connection:
                    while not end.is_set():
                        await connection.send(request("/v1/x", "POST", body=b"x"))
                        statuses.append((await connection.answer()).status)

            end = asyncio.Event()
            asking = [asyncio.create_task(ask_on(end)) for _ in range(4)]
            for _ in range(10):
                gw.signal(signal.SIGHUP)
                await gw.message("reloaded")
            end.set()
            await asyncio.gather(*asking)
    assert len(statuses) > 20
    assert set(statuses) == {200}
