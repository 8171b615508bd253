"""Sockets that the gateway opens itself: on `::` for both families, with one worker and with several."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING

import pytest

from hx_gateway.listening import open_socket

from running import process
from wire import Client, request

if TYPE_CHECKING:
    from pathlib import Path


async def get(address: str, port: int, target: str) -> int:
    """Return the status of the answer that a client of `address` gets."""
    connection = Client(*await asyncio.open_connection(address, port))
    await connection.send(request(target, headers=["Connection: close"]))
    status = (await connection.head()).status
    connection.writer.close()
    return status


@pytest.mark.parametrize("workers", [1, 2])
async def test_all_addresses_are_those_of_both_families(workers: int, tmp_path: Path) -> None:
    config = tmp_path / "gateway.yml"
    metrics = {"enabled": True, "listen": {"address": "::", "port": 0}}
    sections = {"upstream": {"url": "http://127.0.0.1:1"}, "workers": workers, "metrics": metrics}
    config.write_text(json.dumps(sections))
    async with process("--config", str(config), "--listen", "[::]:0") as gw:
        (shown,) = [message["port"] for message in gw.messages if message["event"] == "metrics_listening"]
        for address in ("127.0.0.1", "::1"):
            assert await get(address, gw.port, "/healthz") == 200
            assert await get(address, shown, "/metrics") == 200


@pytest.mark.parametrize(("address", "other"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_one_address_is_that_of_its_family_alone(address: str, other: str) -> None:
    with open_socket(address, 0, 5) as listener:
        port = listener.getsockname()[1]
        socket.create_connection((address, port), 1).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((other, port), 1)


def test_it_does_not_depend_on_what_the_kernel_does_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnlyIPv6(socket.socket):
        """One that is made where net.ipv6.bindv6only is 1."""

        def __init__(self, family: int, kind: int) -> None:
            super().__init__(family, kind)
            self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)

    monkeypatch.setattr("socket.socket", OnlyIPv6)
    with open_socket("::", 0, 5) as listener:
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0


def test_an_address_that_is_taken_is_refused() -> None:
    with open_socket("127.0.0.1", 0, 5) as listener, pytest.raises(OSError, match="Address already in use"):
        open_socket("127.0.0.1", listener.getsockname()[1], 5)
