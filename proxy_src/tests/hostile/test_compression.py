"""Compression bombs: the gateway passes content codings on and never decompresses (RFC 9110 section 8.4)."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest

from running import gateway
from wire import FORM, ask, reply, request, upstream

if TYPE_CHECKING:
    import asyncio

    from wire import Seen

BOMB = gzip.compress(b"\0" * 50_000_000, 9)
CODINGS = [("gzip", BOMB), ("deflate", zlib.compress(b"\0" * 50_000_000, 9)), ("br", b"not brotli"), ("zstd", b"no")]


@pytest.fixture
def no_decompression(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if anything in this process decompresses."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something decompressed")

    monkeypatch.setattr("aiohttp.compression_utils.ZLibDecompressor.__init__", refuse)
    monkeypatch.setattr("aiohttp.http_parser.DeflateBuffer.__init__", refuse)
    monkeypatch.setattr(zlib, "decompressobj", refuse)
    monkeypatch.setattr(zlib, "decompress", refuse)


@pytest.mark.parametrize(("coding", "body"), CODINGS)
@pytest.mark.usefixtures("no_decompression")
async def test_json_is_refused_unopened(coding: str, body: bytes) -> None:
    headers = ["Content-Type: application/json", f"Content-Encoding: {coding}"]
    async with upstream() as up, gateway(up.url) as gw:
        assert (await ask(gw.port, request("/v1/embeddings", "POST", headers, body))).status == 415
        assert up.seen == []


@pytest.mark.parametrize(("coding", "body"), CODINGS)
@pytest.mark.usefixtures("no_decompression")
async def test_a_form_passes_as_it_is(coding: str, body: bytes) -> None:
    headers = [FORM, f"Content-Encoding: {coding}"]
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/files", "POST", headers, body))
        assert answer.status == 200
        assert up.seen[0].body == body
        assert up.seen[0].get("Content-Encoding") == coding


@pytest.mark.parametrize(("coding", "body"), CODINGS)
@pytest.mark.parametrize("target", ["/v1/x", "/v1/chat/completions"])
@pytest.mark.usefixtures("no_decompression")
async def test_an_answer_passes_as_it_is(coding: str, body: bytes, target: str) -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, body, ["Content-Type: application/json", f"Content-Encoding: {coding}"]))

    async with upstream(play) as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(target, "POST", body=b'{"model": "m", "messages": []}'))
        assert answer.body == body
        assert answer.get("Content-Encoding") == coding
