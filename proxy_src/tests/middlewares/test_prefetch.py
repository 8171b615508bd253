"""Looking ahead: one round trip to Redis where there would be several, and nothing counted that must not be."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.prefetch import Prefetch
from plugins import Mark
from redis_wire import watched

from limits import limit
from redis_server import RedisServer
from running import gateway
from wire import client, reply, request, say, upstream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from hx_gateway.middleware import Handler

    from wire import Answer, Client

JSON = "Content-Type: application/json"
ANSWER = reply(200, b'{"usage":{"prompt_tokens":3,"completion_tokens":4}}', [JSON])
LIMITS = [
    limit("r", amount=1000),
    limit("t", "tokens", 100_000),
    limit("c", "concurrent", 100),
]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@pytest.fixture
def redis(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    server.admin().flushall()
    monkeypatch.setenv("REDIS_URL", server.url)
    return server


def everything(*limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a configuration in which three middlewares ask Redis."""
    return {
        "redis": {"enabled": True},
        "sessions": {"enabled": True, "store": "redis", **more.pop("sessions", {})},
        "rate_limits": {"limits": list(limits or LIMITS)},
        "cache": {"enabled": True, "store": "redis"},
        **more,
    }


def chat(*headers: str, session: str = "s", **document: Any) -> bytes:
    named = [f"X-HX-Session-Id: {session}"] if session else []
    body = orjson.dumps({"model": "m", "temperature": 0, "messages": [], **document})
    return request("/v1/chat/completions", "POST", [JSON, "Authorization: Bearer sk-a", *named, *headers], body)


async def asked(connection: Client, *headers: str, **document: Any) -> Answer:
    await connection.send(chat(*headers, **document))
    return await connection.answer()


async def warm(connection: Client) -> None:
    """Have Redis taught the scripts, and let everything leave."""
    await asked(connection, seed=0)
    await asked(connection, seed=0, session="")
    await asyncio.sleep(0.02)


async def test_a_miss_asks_redis_once_and_tells_it_once(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(redis.port) as between, upstream(say(ANSWER)) as up:
        monkeypatch.setenv("REDIS_URL", between.url)
        async with gateway(up.url, **everything()) as gw, client(gw.port) as connection:
            await warm(connection)
            between.forget()
            answer = await asked(connection, seed=1)
            assert (answer.get("x-hx-cache"), answer.get("x-ratelimit-remaining-requests")) == ("miss", "997")
            assert between.commands() == [["EVALSHA", "EVALSHA", "MGET"]]
            assert len(between.read) == 1
            await asyncio.sleep(0.02)
            assert between.commands()[1:] == [["SET", "EVALSHA", "EVALSHA"]]
            between.forget()
            await asked(connection, seed=1)
            await asyncio.sleep(0.02)
            assert between.commands() == [["EVALSHA", "EVALSHA", "MGET"], ["EVALSHA", "EVALSHA"]]
            assert len(between.read) == 2


async def test_what_ended_leaves_with_what_begins(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(redis.port) as between, upstream(say(ANSWER)) as up:
        monkeypatch.setenv("REDIS_URL", between.url)
        async with gateway(up.url, **everything()) as gw, client(gw.port) as connection:
            await warm(connection)
            between.forget()
            for number in range(1, 11):
                await asked(connection, seed=number, session="")
            assert 10 <= len(between.written) < 20
            first = between.commands()[0]
            together = [commands for commands in between.commands() if commands[-1] == "MGET" and len(commands) > 2]
            assert first == ["EVALSHA", "MGET"]
            assert together
            assert set(map(tuple, together)) == {("SET", "EVALSHA", "EVALSHA", "EVALSHA", "MGET")}


async def test_without_it_each_asks_for_itself(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(redis.port) as between, upstream(say(ANSWER)) as up:
        monkeypatch.setenv("REDIS_URL", between.url)
        off = everything(middlewares={"disable": ["prefetch"]})
        async with gateway(up.url, **off) as gw, client(gw.port) as connection:
            await warm(connection)
            between.forget()
            assert (await asked(connection, seed=1)).get("x-hx-cache") == "miss"
            assert between.commands()[:3] == [["EVALSHA"], ["EVALSHA"], ["MGET"]]


async def test_a_session_at_its_limit_uses_no_rate_limit(redis: RedisServer) -> None:
    sections = everything(limit("r", amount=100), sessions={"max_requests": 2})
    async with upstream(say(ANSWER)) as up, gateway(up.url, **sections) as gw, client(gw.port) as connection:
        assert [(await asked(connection)).status for _ in range(5)] == [200, 200, 429, 429, 429]
        assert (await asked(connection, session="")).get("x-ratelimit-remaining-requests") == "97"


async def test_what_is_no_session_uses_no_rate_limit(redis: RedisServer) -> None:
    sections = everything(limit("r", amount=100))
    async with upstream(say(ANSWER)) as up, gateway(up.url, **sections) as gw, client(gw.port) as connection:
        assert [(await asked(connection, session="-")).status for _ in range(3)] == [400] * 3
        assert (await asked(connection)).get("x-ratelimit-remaining-requests") == "99"


async def test_a_limit_that_refuses_still_does(redis: RedisServer) -> None:
    sections = everything(limit("r", amount=2))
    async with upstream(say(ANSWER)) as up, gateway(up.url, **sections) as gw, client(gw.port) as connection:
        assert [(await asked(connection)).status for _ in range(4)] == [200, 200, 429, 429]


async def test_the_cache_is_not_asked_for_what_it_would_not_look_up(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(redis.port) as between, upstream(say(ANSWER)) as up:
        monkeypatch.setenv("REDIS_URL", between.url)
        async with gateway(up.url, **everything()) as gw, client(gw.port) as connection:
            await warm(connection)
            between.forget()
            assert (await asked(connection, temperature=1)).get("x-hx-cache") == "bypass"
            assert (await asked(connection, "Cache-Control: no-store")).get("x-hx-cache") == "bypass"
            stored = [await asked(connection, "X-HX-Cache: store", temperature=1) for _ in range(2)]
            assert [answer.get("x-hx-cache") for answer in stored] == ["miss", "hit"]
            looked = sum(commands.count("MGET") for commands in between.commands())
            assert looked == 2


async def test_one_that_may_change_the_request_ends_the_look_ahead(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(redis.port) as between, upstream(say(ANSWER)) as up:
        monkeypatch.setenv("REDIS_URL", between.url)
        added = everything(middlewares={"add": [{"factory": "plugins:a", "before": "cache"}]})
        async with gateway(up.url, **added) as gw, client(gw.port) as connection:
            await warm(connection)
            between.forget()
            await asked(connection, seed=1)
            assert between.commands()[:2] == [["EVALSHA", "EVALSHA"], ["MGET"]]


async def test_a_client_that_leaves_meanwhile_keeps_no_place_and_no_tokens(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    limits = (limit("r", amount=100), limit("t", "tokens", 1000), limit("c", "concurrent", 1))
    sections = everything(*limits) | {"redis": {"enabled": True, "timeout": 5.0}}
    async with upstream(say(ANSWER)) as up, gateway(up.url, **sections) as gw:
        async with client(gw.port) as connection:
            await warm(connection)
        seen = len(up.seen)
        redis.pause()
        async with client(gw.port) as leaves:
            await leaves.send(chat(max_tokens=500))
            await asyncio.sleep(0.05)
            leaves.abort()
        await asyncio.sleep(0.05)
        redis.resume()
        await asyncio.sleep(0.05)
        assert redis.admin().zcard("hx:limit:c:*") == 0
        async with client(gw.port) as connection:
            answer = await asked(connection, max_tokens=10, seed=7)
        assert answer.status == 200
        assert int(answer.get("x-ratelimit-remaining-tokens") or 0) > 900
        assert len(up.seen) == seen + 1
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_request_that_another_refuses_keeps_nothing(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    added = {"add": [{"factory": "plugins:Refusing", "before": "sessions"}]}
    limits = (limit("t", "tokens", 1000), limit("c", "concurrent", 1))
    async with upstream(say(ANSWER)) as up, gateway(up.url, **everything(*limits, middlewares=added)) as gw:
        async with client(gw.port) as connection:
            for number in range(3):
                assert (await asked(connection, "X-Refuse: yes", max_tokens=400, seed=number)).status == 404
            await asyncio.sleep(0.05)  # tokens come back once Redis has said that they were taken
            answer = await asked(connection, max_tokens=400)
            assert (answer.status, answer.get("x-ratelimit-remaining-tokens")) == (200, "600")
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_redis_that_goes_away_meanwhile_fails_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer() as own:
        monkeypatch.setenv("REDIS_URL", own.url)
        sections = everything() | {"redis": {"enabled": True, "timeout": 5.0}}
        async with upstream(say(ANSWER)) as up, gateway(up.url, **sections) as gw, client(gw.port) as connection:
            await warm(connection)
            own.pause()
            waiting = asyncio.create_task(asked(connection, seed=3))
            async with client(gw.port) as leaves:
                await leaves.send(chat(seed=4))
                await asyncio.sleep(0.05)
                leaves.abort()
            own.kill()
            answer = await waiting
            assert (answer.status, answer.get("x-hx-cache"), answer.get("x-hx-session-id")) == (200, "miss", "s")
            assert answer.get("x-ratelimit-remaining-requests") == "999"  # this process counts from nothing
            assert (await asked(connection, seed=3)).status == 200
    gc.collect()
    assert "never retrieved" not in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


class Ahead(Mark):
    """Begins and lets go; says so."""

    def __init__(self, letter: str, *, others: bool = True) -> None:
        super().__init__(letter)
        self.others = others
        self.let_go: list[str] = []

    def prefetch(self, request: Request) -> bool:
        request.ahead[self] = self._letter
        return self.others

    def abandon(self, begun: str) -> None:
        self.let_go.append(begun)


async def passed(request: Request) -> Response:
    return Response(200, CIMultiDict(), b",".join(str(begun).encode() for begun in request.ahead.values()))


async def begun(*behind: Mark) -> bytes:
    """Return what was begun when the middlewares `behind` have their turn."""
    made = Prefetch()
    made.look_ahead(behind)
    message = Request("POST", "/v1/x", CIMultiDict(), BytesBody(b""))

    async def response(made: Prefetch, request: Request, call_next: Handler) -> Response:
        waiting: Awaitable[Response] = made(request, call_next)
        return await waiting

    answer = await response(made, message, passed)
    assert isinstance(answer.body, bytes)
    message.finish()
    return answer.body


async def test_those_behind_begin_until_one_cannot_or_will_not() -> None:
    assert await begun(Ahead("a"), Ahead("b")) == b"a,b"
    assert await begun(Ahead("a"), Mark("x"), Ahead("b")) == b"a"
    assert await begun(Ahead("a", others=False), Ahead("b")) == b"a"
    assert await begun() == b""


async def test_what_was_begun_and_not_used_is_let_go_once() -> None:
    one = Ahead("a")
    await begun(one)
    assert one.let_go == ["a"]
