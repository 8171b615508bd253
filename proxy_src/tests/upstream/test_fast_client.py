"""The fast client: requests as they are written, stale connections, uploads, TLS and IPv6."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import UpstreamBrokenError, UpstreamUnreachableError
from hx_gateway.message import BytesBody
from hx_gateway.upstream.fast_client import FastUpstream
from upstream.raw import pair, read, send

from running import configured
from wire import reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from upstream.raw import Listener, Peer


class Pieces:
    """A body that comes in pieces, of a length it may lie about."""

    def __init__(self, pieces: list[bytes], length: int | None) -> None:
        self._pieces = pieces
        self.length = length
        self.more = asyncio.Event()

    def take(self) -> None:
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        await self.more.wait()


async def test_a_request_is_one_write() -> None:
    async with pair() as (client, listener):
        task = asyncio.ensure_future(
            client.send("POST", "/v1/x?a=%2F", CIMultiDict([("X", "1"), ("X", "2")]), BytesBody(b"abc"))
        )
        peer = await listener.accept()
        await asyncio.sleep(0.05)
        host = listener.url.removeprefix("http://").encode()
        assert await peer.read() == (
            b"POST /v1/x?a=%2F HTTP/1.1\r\nX: 1\r\nX: 2\r\nHost: " + host + b"\r\nContent-Length: 3\r\n\r\nabc"
        )
        await peer.send(reply(200, b"x"))
        assert (await task).upstream == host.decode()


async def used_once(listener: Listener, client: FastUpstream) -> Peer:
    """Return the upstream's end of a connection that is idle."""
    task = send(client)
    peer = await listener.accept()
    await peer.request()
    await peer.send(reply(200, b"x"))
    assert (await task).take() == b"x"
    return peer


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_the_upstream_never_got_is_sent_again(method: str) -> None:
    async with pair() as (client, listener):

        async def serve() -> None:
            peer = await listener.accept()
            assert await peer.read()
            await peer.send(reply(200, b"ok", ["Connection: close"]))

        for _ in range(5):
            peer = await used_once(listener, client)
            serving = asyncio.ensure_future(serve())
            peer.close()
            # written before the loop can tell that the connection is closed
            answer = await client.send(method, "/v1/x", CIMultiDict(), BytesBody(b"abc"))
            assert answer.take() == b"ok"
            await serving


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_the_upstream_may_have_got_is_never_sent_again(method: str, how: str) -> None:
    async with pair() as (client, listener):
        peer = await used_once(listener, client)
        task = send(client, method, b"abc")
        assert await peer.read()
        getattr(peer, how)()
        with pytest.raises(UpstreamBrokenError):
            await asyncio.wait_for(task, 1)
        with pytest.raises(TimeoutError):
            await listener.accept(0.1)


async def test_the_body_of_an_upload_is_not_sent_again() -> None:
    async with pair() as (client, listener):
        peer = await used_once(listener, client)
        peer.close()
        with pytest.raises(UpstreamBrokenError):
            async with asyncio.timeout(1):
                await client.send("PUT", "/v1/x", CIMultiDict(), Pieces([b"abc"], 6))


@pytest.mark.parametrize(("pieces", "length"), [([b"abc"], 4), ([b"abc", b"de"], 4)])
async def test_a_body_that_is_not_as_long_as_it_said(pieces: list[bytes], length: int) -> None:
    async with pair() as (client, listener):
        body = Pieces(pieces, length)
        body.more.set()
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), body))
        peer = await listener.accept()
        with pytest.raises(UpstreamBrokenError):
            await asyncio.wait_for(task, 1)
        received = b""
        while piece := await asyncio.wait_for(peer.read(), 1):
            received += piece
        assert received.partition(b"\r\n\r\n")[2] == b"abc"


async def test_an_early_answer_ends_the_upload_and_its_connection() -> None:
    async with pair() as (client, listener):
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), Pieces([b"abc"], 6)))
        peer = await listener.accept()
        await peer.read()
        await peer.send(reply(413, b"too much"))
        answer = await asyncio.wait_for(task, 1)
        assert (answer.status, answer.take()) == (413, b"too much")
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1  # nothing goes on sending


async def test_a_chunked_upload_is_framed() -> None:
    async with pair() as (client, listener):
        body = Pieces([b"abc", b"", b"d" * 17], None)
        body.more.set()
        task = asyncio.ensure_future(client.send("PUT", "/v1/x", CIMultiDict(), body))
        peer = await listener.accept()
        await asyncio.sleep(0.05)
        head, _, framed = (await peer.read()).partition(b"\r\n\r\n")
        assert head.endswith(b"\r\nTransfer-Encoding: chunked")
        assert framed == b"3\r\nabc\r\n11\r\n" + b"d" * 17 + b"\r\n0\r\n\r\n"
        await peer.send(reply(200, b"x"))
        assert (await task).take() == b"x"
        again = send(client)
        assert await asyncio.wait_for(peer.request(), 1)  # the connection was kept
        again.cancel()


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/v1/x HTTP/1.1\r\nHost: other\r\n\r\n", {}),
        ("GET", "/v1/a b", {}),
        ("GET /v1/y", "/v1/x", {}),
        ("GET", "/v1/x", {"X": "a\r\nHost: b"}),
        ("GET", "/v1/x", {"X\nY": "a"}),
        ("GET", "/v1/x", {"X": "a\0"}),
    ],
)
async def test_what_would_split_a_request_is_never_sent(method: str, target: str, headers: dict[str, str]) -> None:
    async with pair() as (client, listener):
        with pytest.raises(UpstreamBrokenError):
            await client.send(method, target, CIMultiDict(headers), BytesBody(b""))
        with pytest.raises(TimeoutError):
            await listener.accept(0.05)


async def test_ipv6() -> None:
    async with pair("::1") as (client, listener):
        task = send(client)
        peer = await listener.accept()
        port = listener.channel.getsockname()[1]
        assert f"\r\nHost: [::1]:{port}\r\n".encode() in await peer.request()
        await peer.send(reply(200, b"x"))
        assert (await task).upstream == f"[::1]:{port}"


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """Return a server's context with a certificate of its own for `name`."""
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


@pytest.mark.parametrize(("name", "trusted"), [("localhost", True), ("localhost", False), ("other.example", True)])
async def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for _ in range(2):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(reply(200, b"secret" * 50_000))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=certificate(tmp_path, name))
    port = server.sockets[0].getsockname()[1]
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    client = FastUpstream(configured(f"https://localhost:{port}").upstream)
    try:
        if trusted and name == "localhost":
            for _ in range(2):
                assert await read(await send(client)) == b"secret" * 50_000
        else:
            with pytest.raises(UpstreamUnreachableError):
                await send(client)
    finally:
        await client.aclose()
        server.close()
