"""Messages to systemd."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from hx_gateway.notify import notify, notify_ready, notify_reloading

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("abstract", [False, True])
def test_state_is_sent(abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"hx-gateway-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}" if abstract else name)
        manager.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if abstract else name)
        notify("READY=1")
        assert manager.recv(100) == b"READY=1"
        before = time.monotonic_ns() // 1000
        notify_reloading()
        told = manager.recv(100)
        assert told.startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert before <= int(told.rpartition(b"=")[2]) <= time.monotonic_ns() // 1000
        notify_ready("all is well")
        assert manager.recv(100) == b"READY=1\nSTATUS=all is well"


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all", "@hx-gateway-nobody"])
def test_without_a_manager_nothing_happens(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")
