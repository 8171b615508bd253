"""The page, the port and the socket."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import time
from typing import TYPE_CHECKING

import pytest

from hx_gateway.metrics.listener import MetricsListenError
from scrape import page, samples, value

from running import gateway, process, run
from wire import Answer, Client, ask, read_body, read_head, request

if TYPE_CHECKING:
    from pathlib import Path

ON = {"enabled": True, "listen": {"port": 0}}


async def test_the_page_and_nothing_else() -> None:
    async with gateway(metrics=ON) as gw:
        answer = await page(gw.metrics_port)
        assert answer.status == 200
        assert (answer.get("Content-Type") or "").startswith("text/plain; version=")
        openmetrics = await page(gw.metrics_port, "Accept: application/openmetrics-text; version=1.0.0")
        assert (openmetrics.get("Content-Type") or "").startswith("application/openmetrics-text")
        assert openmetrics.body.endswith(b"# EOF\n")
        assert (await ask(gw.metrics_port, request("/metrics", "POST"))).status == 405
        assert (await ask(gw.metrics_port, request("/v1/models"))).status == 404
        assert (await ask(gw.metrics_port, request("/metrics", "HEAD"), method="HEAD")).body == b""


async def test_it_says_how_the_process_is() -> None:
    async with gateway(metrics=ON) as gw:
        await asyncio.sleep(0.6)
        time.sleep(0.3)  # noqa: ASYNC251 - the loop has to be late
        await asyncio.sleep(0.3)
        found = await samples(gw.metrics_port)
    assert 1e6 < value(found, "process_resident_memory_bytes") < 1e10
    assert value(found, "process_cpu_seconds_total") > 0
    assert time.time() - 3600 < value(found, "process_start_time_seconds") <= time.time()
    assert 3 < value(found, "process_open_fds") < value(found, "process_max_fds")
    assert value(found, "hx_gateway_build_info") == 1
    assert value(found, "hx_gateway_log_records_dropped_total") == 0
    lag = "hx_gateway_event_loop_lag_seconds"
    late = value(found, f"{lag}_count") - value(found, f"{lag}_bucket", le="0.05")
    assert late >= 1
    assert value(found, f"{lag}_count") >= 3
    assert "hx_gateway_redis_up" not in found


async def test_a_socket_in_place_of_a_port(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with gateway(metrics={**ON, "unix_socket": str(path)}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        connection = Client(*await asyncio.open_unix_connection(path))
        await connection.send(request("/metrics", headers=["Connection: close"]))
        answer = Answer(*await read_head(connection.reader))
        assert b"http_server_active_requests 0.0" in await read_body(connection.reader, answer, to_end=True)
        connection.writer.close()
    assert not path.exists()


async def test_a_file_is_not_taken_for_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("kept")
    with pytest.raises(MetricsListenError, match="precious"):
        async with gateway(metrics={**ON, "unix_socket": str(path)}):
            pass
    assert path.read_text() == "kept"


async def test_the_command_shows_it_and_names_a_port_that_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    file.write_text("upstream: {url: 'http://127.0.0.1:1'}\nmetrics: {enabled: true, listen: {port: 0}}\n")
    async with process("--config", str(file)) as gw:
        (said,) = [message for message in gw.messages if message["event"] == "metrics_listening"]
        found = await samples(said["port"])
        assert value(found, "hx_gateway_draining") == 0
        assert value(found, "process_max_fds") > 0
        file.write_text(
            f"upstream: {{url: 'http://127.0.0.1:1'}}\nmetrics: {{enabled: true, listen: {{port: {said['port']}}}}}\n"
        )
        status, _, errors = await run("--config", str(file), "--listen", "127.0.0.1:0")
    assert status == 1
    assert f"cannot listen for metrics on 127.0.0.1 port {said['port']}: " in errors
    assert os.linesep not in errors.splitlines()[-1]
