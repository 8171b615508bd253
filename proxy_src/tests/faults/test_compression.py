"""Compression bombs, both ways, through a process: neither its memory nor its time is what they inflate to."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from faults.peer import bomb
from faults.stack import Peer, chat, everything, stack

from wire import FORM, ask, request

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = 30_000_000
"""Bytes it may take for all of them; one inflates to 200 MB."""


@pytest.mark.usefixtures("each_client")
async def test_bombs_are_passed_on_unopened(tmp_path: Path) -> None:
    data = bomb()
    assert len(data) < 250_000
    with Peer() as peer:
        async with stack(tmp_path, everything(peer.url)) as gw:
            assert (await ask(gw.port, chat())).status == 200
            before = gw.resident()
            for number in range(5):
                headers = [FORM, "Content-Encoding: gzip", "x-play: size"]
                sent = await ask(gw.port, request("/v1/files", "POST", headers, data))
                assert (sent.status, sent.body) == (200, b"%d" % len(data))
                answer = await ask(gw.port, chat("bomb", "Accept-Encoding: gzip", text=str(number)))
                assert (answer.status, answer.get("Content-Encoding")) == (200, "gzip")
                assert answer.body == data
            assert gw.resident() - before < MEMORY
            assert await gw.end() == 0


async def test_a_compressed_body_reaches_nobody(tmp_path: Path) -> None:
    """Neither limits nor cache could see what is in it, and LiteLLM, which unpacks nothing, would not either."""
    with Peer() as peer:
        async with stack(tmp_path, everything(peer.url)) as gw:
            body = gzip.compress(b'{"model":"m","messages":[],"temperature":0}')
            headers = ["Content-Type: application/json", "Content-Encoding: gzip", "Authorization: Bearer sk-1"]
            answer = await ask(gw.port, request("/v1/chat/completions", "POST", headers, body))
            assert (answer.status, answer.get("x-hx-cache")) == (415, None)
            assert await peer.seen() == []
            assert await gw.end() == 0
