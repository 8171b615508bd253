"""Clients that never read, beside one that does."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from faults.stack import Load, Peer, chat, everything, stack, until

if TYPE_CHECKING:
    from pathlib import Path

MUTE = 40
MEMORY = 3_000_000
"""Bytes that each of them may cost: what fills the buffers on the way. It is offered 1.3 GB."""


@pytest.mark.usefixtures("each_client")
async def test_clients_that_never_read(tmp_path: Path) -> None:
    """Reading stops at the upstream too, other clients do not notice, and in the end they are let go."""
    loop = asyncio.get_running_loop()
    with Peer() as peer:
        async with stack(tmp_path, everything(peer.url, limits={"write_timeout": 3})) as gw:
            async with Load(gw.port, clients=2) as load:
                await load.answered(50)
            before = gw.resident()
            mute = [socket.socket() for _ in range(MUTE)]
            for made in mute:
                made.setblocking(False)
                await loop.sock_connect(made, ("127.0.0.1", gw.port))
                await loop.sock_sendall(made, chat("flood", temperature=1))

            async def offered() -> bool:
                return (await peer.seen()).count("flood") == MUTE

            await until(offered)
            async with Load(gw.port, clients=2) as load:
                await load.answered(200)
            assert load.statuses() == {200}
            assert gw.resident() - before < MUTE * MEMORY
            await gw.ended("client_gone", MUTE)
            assert await gw.metric("http_server_active_requests") == 0
            assert gw.resident() - before < MUTE * MEMORY
            for made in mute:
                made.close()
            assert await gw.end() == 0
