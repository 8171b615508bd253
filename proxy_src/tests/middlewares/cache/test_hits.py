"""What is answered from the cache, and what the client has to say in it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from cached import House, LiteLLM, house, labels

from redis_server import RedisServer
from running import gateway
from wire import upstream

TOOLS = {"choices": [{"message": {"tool_calls": [{"id": "c"}]}, "finish_reason": "tool_calls"}]}


async def test_the_second_answer_is_the_first(store: str) -> None:
    async with house(store=store) as made:
        first, second = await made.ask("x-request-id: one"), await made.ask("x-request-id: two")
    assert labels([first, second]) == ["miss", "hit"]
    assert (first.body, first.status) == (second.body, second.status)
    assert (first.get("age"), second.get("age")) == (None, "0")
    assert (first.get("x-request-id"), second.get("x-request-id")) == ("one", "two")
    assert first.get("x-litellm-call-id") == "c1"
    for name in ("x-litellm-call-id", "x-litellm-response-cost", "Set-Cookie"):
        assert second.get(name) is None
    assert second.get("Content-Type") == "application/json"
    assert (made.litellm.calls, made.litellm.asked) == (1, 0)  # the first answer has proven the key good
    assert [line["cache"] for line in made.log] == ["miss", "hit"]


async def test_embeddings_and_completions_are_kept_messages_are_not(store: str) -> None:
    async with house(store=store) as made:
        for target, expected in (("/v1/embeddings", "hit"), ("/v1/completions", "hit"), ("/v1/messages", None)):
            answers = [await made.ask(target=target, input="x") for _ in range(2)]
            assert answers[1].get("x-hx-cache") == expected
        other = await made.ask(target="/v1/embeddings", input="y", temperature=None)
        assert other.get("x-hx-cache") == "miss"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": 429}, "miss"),
        ({"status": 500}, "miss"),
        ({"status": 400}, "miss"),
        ({"body": TOOLS}, "miss"),
        ({"body": {"error": {"message": "x"}}}, "miss"),
        ({"body": {"x": "y" * 5000}}, "miss"),
        ({"body": {"x": "y" * 3000}}, "hit"),
    ],
)
async def test_what_is_kept(change: dict[str, Any], expected: str, store: str) -> None:
    async with house(LiteLLM(**change), store, max_entry=4096) as made:
        await made.ask()
        second = await made.ask()
        assert second.get("x-hx-cache") == expected
        assert made.litellm.calls == (1 if expected == "hit" else 2)


async def test_what_clients_ask_of_caches(store: str) -> None:
    async with house(store=store) as made:
        assert (await made.ask("Cache-Control: only-if-cached")).status == 504
        assert orjson.loads((await made.ask("Cache-Control: only-if-cached")).body)["error"]["code"] == "not_cached"
        assert (await made.ask("Cache-Control: only-if-cached", temperature=1)).status == 504
        assert labels([await made.ask("Cache-Control: no-store"), await made.ask()]) == ["bypass", "miss"]
        assert labels([await made.ask("Cache-Control: only-if-cached")]) == ["hit"]
        assert labels([await made.ask("Cache-Control: max-age=100")]) == ["hit"]
        assert made.litellm.calls == 2
        fresh = await made.ask("Cache-Control: no-cache")
        assert (fresh.get("x-hx-cache"), orjson.loads(fresh.body)["n"]) == ("miss", 3)
        assert orjson.loads((await made.ask()).body)["n"] == 3
        await asyncio.sleep(0.01)
        assert labels([await made.ask("Cache-Control: max-age=0")]) == ["miss"]


async def test_kept_because_the_client_asked() -> None:
    async with house() as made:
        assert labels([await made.ask(temperature=1)]) == ["bypass"]
        assert labels([await made.ask("X-HX-Cache: store", temperature=1) for _ in range(2)]) == ["miss", "hit"]
        assert {seen.get("x-hx-cache") for seen in made.server.seen} == {None}


async def test_time_by_model(store: str) -> None:
    rules = [{"model": "m", "ttl": 0.2}, {"model": "n", "ttl": 0}]
    async with house(store=store, ttl_by_model=rules) as made:
        assert labels([await made.ask() for _ in range(2)]) == ["miss", "hit"]
        await asyncio.sleep(0.25)
        assert labels([await made.ask()]) == ["miss"]
        assert labels([await made.ask(model="n") for _ in range(2)]) == ["bypass"] * 2


async def test_redis_that_goes_away_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        async with house(store="redis") as made:
            assert labels([await made.ask() for _ in range(2)]) == ["miss", "hit"]
            server.kill()
            await asyncio.sleep(0.05)
            answers = [await made.ask() for _ in range(3)]
            assert [answer.status for answer in answers] == [200] * 3
            assert labels(answers) == ["miss"] * 3


async def test_it_is_off_unless_configured() -> None:
    litellm = LiteLLM()
    async with upstream(litellm) as server, gateway(server.url) as running:
        made = House(running.port, litellm, server, running)
        assert labels([await made.ask() for _ in range(2)]) == [None, None]
        assert litellm.calls == 2
