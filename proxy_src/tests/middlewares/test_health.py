"""/healthz and /readyz."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from running import gateway
from wire import ask, client, reply, request, say, upstream

if TYPE_CHECKING:
    from wire import Seen


def readiness(status: int, body: object) -> bytes:
    """Return what LiteLLM would answer."""
    return reply(status, body if isinstance(body, bytes) else orjson.dumps(body), ["Content-Type: application/json"])


async def test_healthz_is_exact() -> None:
    async with gateway() as gw:  # no upstream is needed
        answer = await ask(gw.port, request("/healthz"))
        assert answer.status == 200
        assert answer.body == '{"ok": true, "note": "HX wrapper – proxy mode"}'.encode()
        assert answer.get("Content-Type") == "application/json; charset=utf-8"
        assert answer.all("Content-Length") == [str(len(answer.body))]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_methods(path: str) -> None:
    async with upstream(say(readiness(200, {"status": "healthy", "db": "connected"}))) as up, gateway(up.url) as gw:
        head = await ask(gw.port, request(path, "HEAD"), method="HEAD")
        assert (head.status, head.body) == (200, b"")
        answer = await ask(gw.port, request(path, "POST", body=b"x"))
        assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")
        assert (await ask(gw.port, request(f"{path}?probe=1"))).status == 200
        for other in (f"{path}/", f"{path}x", path.upper()):
            assert (await ask(gw.port, request(other))).status == 404


HEALTHY = {"status": "healthy"}


@pytest.mark.parametrize(
    ("status", "body", "required", "expected"),
    [
        (200, HEALTHY | {"db": "connected"}, False, ("healthy", "connected", True)),
        (200, HEALTHY | {"db": "connected"}, True, ("healthy", "connected", True)),
        (200, HEALTHY | {"db": "Not connected"}, False, ("healthy", "not connected", True)),
        (200, HEALTHY | {"db": "Not connected"}, True, ("healthy", "not connected", False)),
        (503, HEALTHY | {"db": "disconnected"}, False, ("healthy", "disconnected", False)),
        (503, HEALTHY | {"db": "disconnected"}, True, ("healthy", "disconnected", False)),
        (200, HEALTHY | {"db": "disconnected"}, False, ("healthy", "disconnected", False)),
        (200, HEALTHY, False, ("healthy", "unknown", True)),
        (200, HEALTHY, True, ("healthy", "unknown", False)),
        (200, HEALTHY | {"db": "<script>"}, False, ("healthy", "unknown", True)),
        (200, HEALTHY | {"db": ["connected"]}, True, ("healthy", "unknown", False)),
        (500, HEALTHY | {"db": "connected"}, False, ("unhealthy", "connected", False)),
        (200, {"status": "starting", "db": "connected"}, False, ("unhealthy", "connected", False)),
        (200, {"status": ["healthy"]}, False, ("unhealthy", "unknown", False)),
        (200, b"I'm alive!", False, ("unhealthy", "unknown", False)),
        (200, b'"healthy"', False, ("unhealthy", "unknown", False)),
        (200, b"", False, ("unhealthy", "unknown", False)),
        (200, b'{"status":"healthy","x":"' + b"a" * 70_000 + b'"}', False, ("unhealthy", "unknown", False)),
    ],
)
async def test_readyz_judges_the_body(status: int, body: Any, required: bool, expected: tuple[str, str, bool]) -> None:
    settings = {"readiness": {"require_database": required}}
    async with upstream(say(readiness(status, body))) as up, gateway(up.url, upstream=settings) as gw:
        answer = await ask(gw.port, request("/readyz"))
        said = orjson.loads(answer.body)
        assert (said["litellm"], said["database"], said["ready"]) == expected
        assert (said["reason"] is None) == said["ready"]
        assert answer.status == (200 if said["ready"] else 503)
        assert answer.get("Content-Type") == "application/json; charset=utf-8"
        assert [seen.target for seen in up.seen] == ["/health/readiness"]


async def test_readyz_when_litellm_is_away() -> None:
    async with gateway() as gw:
        answer = await ask(gw.port, request("/readyz"))
        said = orjson.loads(answer.body)
        assert (answer.status, said["litellm"], said["database"]) == (503, "unreachable", "unknown")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"])
async def test_readyz_when_litellm_hangs(head: bytes) -> None:
    async def hang(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await asyncio.sleep(30)

    async with upstream(hang) as up, gateway(up.url, upstream={"readiness": {"timeout": 0.2}}) as gw:
        answer = await asyncio.wait_for(ask(gw.port, request("/readyz")), 2)
        assert (answer.status, orjson.loads(answer.body)["litellm"]) == (503, "unreachable")
        await asyncio.wait_for(up.gone.wait(), 1)


async def test_readyz_is_reused_for_a_while() -> None:
    good = say(readiness(200, HEALTHY))
    async with upstream(good) as up, gateway(up.url, upstream={"readiness": {"cache": 1}}) as gw:
        answers = await asyncio.gather(*(ask(gw.port, request("/readyz")) for _ in range(20)))
        assert {answer.status for answer in answers} == {200}
        assert len(up.seen) == 1
        up.play = say(readiness(503, HEALTHY | {"db": "disconnected"}))
        await asyncio.sleep(1.1)
        assert (await ask(gw.port, request("/readyz"))).status == 503
        assert len(up.seen) == 2


async def test_readyz_says_no_while_draining() -> None:
    async def slow(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(reply(200, b"ok"))

    async with upstream(slow) as up, gateway(up.url) as gw, client(gw.port) as connection:
        # both requests are on one connection, so the second is answered during the drain
        await connection.send(request() + request("/readyz"))
        await asyncio.sleep(0.1)
        gw.server._state.draining = True
        assert (await connection.answer()).get("Connection") == "close"
    async with gateway() as gw:
        gw.server._state.draining = True
        said = orjson.loads((await ask(gw.port, request("/readyz"))).body)
        assert (said["ready"], said["reason"]) == (False, "the gateway is shutting down")


async def test_a_probe_may_send_any_host_and_path() -> None:
    readiness_path = {"readiness": {"path": "/health/readiness?x=1"}}
    async with upstream(say(readiness(200, HEALTHY))) as up, gateway(up.url, upstream=readiness_path) as gw:
        assert (await ask(gw.port, request("/healthz", host="any_thing/odd"))).status == 200
        await ask(gw.port, request("/readyz"))
        assert up.seen[0].target == "/health/readiness?x=1"
