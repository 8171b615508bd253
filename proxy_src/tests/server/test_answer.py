"""Answers that are whole in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.message import Response

from running import gateway
from wire import Client, ask, client, reply, request, say, upstream

if TYPE_CHECKING:
    from hx_gateway.message import Request
    from hx_gateway.middleware import Handler, Services

LARGE = 20_000_000
"""More than sockets hold."""


class _Says:
    """Answers with what the request's target asks for, whole in memory."""

    def __init__(self, _: Services) -> None: ...

    async def __call__(self, request: Request, call_next: Handler) -> Response:  # noqa: ARG002 - the interface
        kind = request.target.rpartition("/")[2]
        if kind == "large":
            return Response(200, CIMultiDict(), b"x" * LARGE)
        if kind == "split":
            return Response(200, CIMultiDict({"X-Bad": "a\r\nX-Injected: b"}), b"body")
        if kind.isdecimal():
            return Response(int(kind), CIMultiDict({"X-Kind": kind}), b"body")
        return Response(200, CIMultiDict({"Content-Type": "text/plain", "Server": "own", "Content-Length": "9"}), b"")


says = _Says
ADDED = {"add": [{"factory": f"{__name__}:says"}]}


async def test_head_and_body_arrive_together() -> None:
    answer = reply(200, b'{"a": 1}', ["Content-Type: application/json", "X-Kept: 1", "X-Kept: 2"])
    async with upstream(say(answer)) as behind, gateway(behind.url) as made, client(made.port) as connection:
        for _ in range(3):
            await connection.send(request())
            piece = await connection.reader.read(65536)
            head, _, body = piece.partition(b"\r\n\r\n")
            assert body == b'{"a": 1}'
            lines = head.split(b"\r\n")
            assert lines[0] == b"HTTP/1.1 200 OK"
            assert [line for line in lines if line.startswith(b"X-Kept")] == [b"X-Kept: 1", b"X-Kept: 2"]
            names = sorted(line.split(b":")[0].lower() for line in lines[1:])
            assert names == sorted(
                [b"content-type", b"x-kept", b"x-kept", b"content-length", b"date", b"server", b"x-request-id"]
            )


async def _exchange(connection: Client, data: bytes, method: str = "GET") -> tuple[int, str | None, bytes]:
    await connection.send(data)
    answer = await connection.answer(method=method)
    return answer.status, answer.get("Content-Length"), answer.body


@pytest.mark.parametrize(
    ("method", "target", "status", "length", "body"),
    [
        ("GET", "/v1/200", 200, "4", b"body"),
        ("GET", "/v1/429", 429, "4", b"body"),
        ("GET", "/v1/599", 599, "4", b"body"),
        ("GET", "/v1/nothing", 200, "0", b""),
        ("HEAD", "/v1/200", 200, "4", b""),
        ("GET", "/v1/204", 204, None, b""),
        ("GET", "/v1/205", 205, "0", b""),
        ("HEAD", "/v1/205", 205, "0", b""),
    ],
)
async def test_the_connection_goes_on_behind_every_kind(
    method: str, target: str, status: int, length: str | None, body: bytes
) -> None:
    async with gateway(middlewares=ADDED) as made, client(made.port) as connection:
        assert await _exchange(connection, request(target, method), method) == (status, length, body)
        assert await _exchange(connection, request("/v1/200")) == (200, "4", b"body")


async def test_headers_that_are_there_stay_and_those_that_lack_are_added() -> None:
    async with gateway(middlewares=ADDED) as made:
        nothing = await ask(made.port, request("/v1/nothing"))
        assert nothing.all("Server") == ["own"]
        assert nothing.all("Content-Length") == ["0"]
        some = await ask(made.port, request("/v1/200"))
        assert some.all("Content-Type") == ["application/octet-stream"]
        assert some.all("Server") == ["hx-gateway"]


async def test_clients_that_close_or_speak_1_0_are_answered_as_they_ask() -> None:
    async with gateway(middlewares=ADDED) as made:
        closing = await ask(made.port, request("/v1/200", headers=["Connection: close"]))
        assert closing.get("Connection") == "close"
        async with client(made.port) as connection:
            await connection.send(b"GET /v1/200 HTTP/1.0\r\nHost: gateway\r\n\r\n")
            old = await connection.reader.read()
            assert old.startswith(b"HTTP/1.0 200")
            assert old.endswith(b"body")


async def test_a_header_cannot_split_the_answer() -> None:
    async with gateway(middlewares=ADDED) as made:
        answer = await ask(made.port, request("/v1/split"))
        assert answer.status == 500
        assert answer.get("X-Injected") is None


async def test_a_slow_reader_gets_all_and_holds_the_next_answer_up() -> None:
    async with gateway(middlewares=ADDED) as made, client(made.port) as connection:
        await connection.send(request("/v1/large") + request("/v1/200"))
        await asyncio.sleep(0.1)
        assert made.server.active == 1  # waits until its answer is taken
        large = await connection.answer()
        assert len(large.body) == LARGE
        assert (await connection.answer()).body == b"body"


async def test_a_client_that_left_is_recorded_as_gone() -> None:
    async with gateway(middlewares=ADDED) as made:
        async with client(made.port) as connection:
            await connection.send(request("/v1/large"))
            await asyncio.sleep(0.1)
            connection.abort()
        await asyncio.sleep(0.1)
        assert made.server.active == 0
    assert made.log()[0]["ended"] == "client_gone"
