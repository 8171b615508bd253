"""Sessions through a whole gateway."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.sessions import SessionKeeper
from hx_gateway.sessions.store import Begun
from upstream.several import readiness, settings, upstreams

from redis_server import RedisServer
from running import gateway
from wire import Answer, ask, reply, request, say, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wire import Upstream

JSON = "Content-Type: application/json"
ANSWER = reply(200, b'{"usage":{"prompt_tokens":3,"completion_tokens":4}}', [JSON])


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REDIS_URL", redis.url)
    redis.admin().flushall()
    return str(request.param)


@dataclass
class House:
    port: int
    server: Upstream

    async def ask(self, *headers: str, key: str = "sk-a", method: str = "POST") -> Answer:
        credential = [f"Authorization: Bearer {key}"] if key else []
        body = orjson.dumps({"model": "m", "messages": []}) if method == "POST" else b""
        return await ask(self.port, request("/v1/chat/completions", method, [JSON, *credential, *headers], body))


@asynccontextmanager
async def house(store: str = "memory", **sessions: Any) -> AsyncIterator[House]:
    async with upstream(say(ANSWER)) as server:
        sections = {"sessions": {"enabled": True, "store": store, **sessions}, "redis": {"enabled": store == "redis"}}
        async with gateway(server.url, **sections) as running:
            yield House(running.port, server)


async def test_a_session_is_issued_and_taken_up(store: str) -> None:
    async with house(store, max_requests=2) as made:
        first = await made.ask()
        session = first.get("x-hx-session-id")
        assert session is not None
        assert re.fullmatch("sess-[0-9a-f]{32}", session)
        second = await made.ask(f"X-HX-Session-Id: {session}")
        assert (second.status, second.get("x-hx-session-id")) == (200, session)
        third = await made.ask(f"X-HX-Session-Id: {session}")
        assert third.status == 429
        assert (await made.ask()).get("x-hx-session-id") != session
        assert len(made.server.seen) == 3


async def test_litellm_gets_the_session_and_what_the_client_said_itself_stays() -> None:
    async with house() as made:
        await made.ask("X-HX-Session-Id: one", key="sk-a")
        await made.ask("X-HX-Session-Id: one", key="sk-b")
        await made.ask("X-HX-Session-Id: one", "x-litellm-trace-id: mine")
        await made.ask("X-HX-Session-Id: one", "x-litellm-session-id: mine")
    sent = [(seen.get("x-litellm-session-id"), seen.get("x-litellm-trace-id")) for seen in made.server.seen]
    assert re.fullmatch(r"one\.[0-9a-f]{12}", sent[0][0] or "")
    assert re.fullmatch(r"one\.[0-9a-f]{12}", sent[1][0] or "")
    assert sent[0] != sent[1]
    assert sent[2:] == [(None, "mine"), ("mine", None)]
    assert {seen.get("x-hx-session-id") for seen in made.server.seen} == {None}


async def test_the_same_name_of_another_key_is_another_session(store: str) -> None:
    async with house(store, max_requests=1) as made:
        statuses = [(await made.ask("X-HX-Session-Id: s", key=key)).status for key in ("sk-a", "sk-b", "sk-a", "sk-b")]
        assert statuses == [200, 200, 429, 429]


async def test_tokens_count_after_the_answer(store: str) -> None:
    async with house(store, max_tokens=10) as made:
        answers = [await made.ask("X-HX-Session-Id: s") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        error = orjson.loads(answers[2].body)["error"]
        assert error["code"] == "session_limit_exceeded"
        assert answers[2].get("x-should-retry") == "false"


@pytest.mark.parametrize(
    "headers",
    [
        ["X-HX-Session-Id: "],
        ["X-HX-Session-Id: a b"],
        ["X-HX-Session-Id: a/b"],
        ["X-HX-Session-Id: -a"],
        ["X-HX-Session-Id: \u00e9"],
        ["X-HX-Session-Id: " + "a" * 129],
        ["X-HX-Session-Id: a", "X-HX-Session-Id: a"],
    ],
)
async def test_what_is_no_session_id(headers: list[str]) -> None:
    async with house() as made:
        answer = await made.ask(*headers)
        assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (400, "invalid_session_id")
        assert made.server.seen == []


async def test_what_has_no_session() -> None:
    async with house() as made:
        assert (await made.ask(key="")).get("x-hx-session-id") is None
        assert (await made.ask(method="GET")).get("x-hx-session-id") is None
    async with house(issue=False) as made:
        assert (await made.ask()).get("x-hx-session-id") is None
        assert (await made.ask("X-HX-Session-Id: a")).get("x-hx-session-id") == "a"


async def test_redis_that_goes_away_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        async with house("redis", max_requests=1) as made:
            server.kill()
            await asyncio.sleep(0.05)
            answers = [await made.ask("X-HX-Session-Id: s") for _ in range(2)]
            assert [(answer.status, answer.get("x-hx-session-id")) for answer in answers] == [(200, "s")] * 2


class Notes:
    """A store that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, str]] = []
        self.names: list[str] = []

    async def begin(self, name: str, asked: object = None) -> Begun:  # noqa: ARG002 - it has nothing to wait for
        self.names.append(name)
        return Begun(2, 7, "10.0.0.1:4000")

    def end(self, name: str, tokens: int, upstream: str) -> None:
        self.names.append(name)
        self.told.append(("end", tokens, upstream))

    def add(self, name: str, tokens: int, upstream: str) -> None:
        self.names.append(name)
        self.told.append(("add", tokens, upstream))


@pytest.mark.parametrize(("given", "prefer", "told"), [("s", "10.0.0.1:4000", "end"), ("", "", "add")])
async def test_a_session_stays_with_the_upstream_that_answered_last(given: str, prefer: str, told: str) -> None:
    headers = CIMultiDict({"x-hx-session-id": given}) if given else CIMultiDict()
    made = Request("POST", "/v1/x", headers, BytesBody(b""))
    made.key = "k" * 64
    notes = Notes()

    async def call_next(passed: Request) -> Response:
        assert passed.prefer == prefer
        passed.outcome.upstream = "10.0.0.2:4000"
        return Response(200, CIMultiDict())

    await SessionKeeper(notes, issue=True)(made, call_next)
    assert notes.told == []
    made.finish()
    assert notes.told == [(told, 0, "10.0.0.2:4000")]
    assert len(set(notes.names)) == 1


async def test_it_is_off_unless_configured() -> None:
    async with upstream(say(ANSWER)) as server, gateway(server.url) as running:
        answer = await House(running.port, server).ask("X-HX-Session-Id: s")
        assert answer.get("x-hx-session-id") is None


@pytest.mark.parametrize("client", ["fast", "aiohttp"])
async def test_a_session_sticks_to_one_of_several_servers_while_that_is_well(store: str, client: str) -> None:
    well = {"status": "healthy", "db": "connected"}
    both = [dict(well), dict(well)]
    async with upstreams(*(readiness(200, said, say(ANSWER)) for said in both)) as ups:
        config = settings(ups, checks={"interval": 0.05, "failures": 1}, slow_start=0, client=client)
        sections: dict[str, Any] = {
            "sessions": {"enabled": True, "store": store},
            "redis": {"enabled": store == "redis"},
        }
        async with gateway(ups[0].url, upstream=config, **sections) as gw:

            async def ten(session: str) -> list[int]:
                before = [_asked(up) for up in ups]
                headers = [JSON, "Authorization: Bearer sk-a", f"X-HX-Session-Id: {session}"]
                for _ in range(10):
                    made = await ask(gw.port, request("/v1/chat/completions", "POST", headers, b'{"model": "m"}'))
                    assert made.status == 200
                return [_asked(up) - count for up, count in zip(ups, before, strict=True)]

            stuck = await ten("one")
            assert sorted(stuck) == [0, 10]
            assert await ten("one") == stuck
            both[stuck.index(10)]["db"] = "disconnected"
            await asyncio.sleep(0.4)
            assert await ten("one") == stuck[::-1]
            both[stuck.index(10)]["db"] = "connected"
            await asyncio.sleep(0.4)
            assert await ten("one") == stuck[::-1]  # where its prompts are cached by then
            others = [await ten(f"other-{number}") for number in range(6)]
            assert {tuple(counts) for counts in others} == {(0, 10), (10, 0)}


def _asked(up: Upstream) -> int:
    return len([seen for seen in up.seen if seen.target == "/v1/chat/completions"])


async def test_no_issued_id_comes_twice() -> None:
    keepers = [SessionKeeper(Notes(), issue=True) for _ in range(2)]

    async def call_next(_: Request) -> Response:
        return Response(200, CIMultiDict())

    ids = set()
    for number in range(400):
        made = Request("POST", "/v1/x", CIMultiDict(), BytesBody(b""))
        made.key = "k" * 64
        ids.add((await keepers[number % 2](made, call_next)).headers["x-hx-session-id"])
    assert len(ids) == 400
    assert all(re.fullmatch("sess-[0-9a-f]{32}", issued) for issued in ids)
