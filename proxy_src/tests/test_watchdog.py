"""Signs of life for systemd."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest

from hx_gateway.watchdog import Watchdog, watchdog_seconds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [("", "", 0), ("30000000", "", 30), ("500000", "self", 0.5), ("500000", "1", 0), ("x", "", 0)],
)
def test_who_is_watched(usec: str, pid: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "self" else pid)
    assert watchdog_seconds() == seconds


async def test_it_is_told_at_half_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        loop = asyncio.get_running_loop()
        watchdog = Watchdog()
        times = []
        for _ in range(4):
            assert await asyncio.wait_for(loop.sock_recv(manager, 100), 1) == b"WATCHDOG=1"
            times.append(loop.time())
        assert 0.2 < times[-1] - times[0] < 0.6
        watchdog.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.sock_recv(manager, 100), 0.3)
