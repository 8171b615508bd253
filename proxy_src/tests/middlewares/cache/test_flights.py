"""What many ask at once is asked once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from cached import LiteLLM, house, labels

from wire import client

if TYPE_CHECKING:
    from wire import Seen


async def test_identical_misses_go_upstream_once(store: str) -> None:
    async with house(LiteLLM(pause=0.1), store) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(20)), *(made.ask(key="sk-b") for _ in range(5)))
        assert sorted(str(label) for label in labels(list(answers))) == ["hit"] * 23 + ["miss"] * 2
        assert made.litellm.calls == 2
        assert len({answer.body for answer in answers[:20]}) == 1
        assert len({answer.get("x-request-id") for answer in answers}) == 25


async def test_a_leader_that_leaves_before_its_answer_fails_nobody() -> None:
    async with house(LiteLLM(pause=0.2)) as made:
        async with client(made.port) as leader:
            await leader.send(made.request())
            await asyncio.sleep(0.05)
            followers = [asyncio.create_task(made.ask()) for _ in range(5)]
            await asyncio.sleep(0.05)
            leader.abort()
        answers = await asyncio.gather(*followers)
        assert [answer.status for answer in answers] == [200] * 5
        assert sorted(str(label) for label in labels(answers)) == ["hit"] * 4 + ["miss"]
        assert made.litellm.calls == 2


async def test_a_leader_that_fails_does_not_fail_the_others() -> None:
    class FailsOnce(LiteLLM):
        async def __call__(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.calls == 0:
                self.calls += 1
                await asyncio.sleep(0.1)
                writer.close()
                return
            await super().__call__(seen, reader, writer)

    async with house(FailsOnce()) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200] * 4 + [502]


async def test_an_error_is_not_shared() -> None:
    async with house(LiteLLM(status=429, pause=0.1)) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(4)))
        assert [answer.status for answer in answers] == [429] * 4
        assert made.litellm.calls == 4


async def test_who_wants_a_fresh_answer_follows_nobody() -> None:
    async with house(LiteLLM(pause=0.1)) as made:
        first = asyncio.create_task(made.ask())
        await asyncio.sleep(0.05)
        fresh = await asyncio.gather(*(made.ask("Cache-Control: no-cache") for _ in range(3)))
        assert labels([await first, *fresh]) == ["miss"] * 4
        assert made.litellm.calls == 4


async def test_shared_models_are_shared_at_the_same_time_by_keys_that_may_use_them() -> None:
    async with house(LiteLLM(pause=0.2), shared_models=["*"]) as made:
        leader = asyncio.create_task(made.ask(model="n"))
        await asyncio.sleep(0.05)
        answers = await asyncio.gather(made.ask(model="n", key="sk-b"), made.ask(model="n", key="sk-c"))
        assert [answer.status for answer in answers] == [403, 401]
        assert (await leader).status == 200
        made.litellm.keys["sk-d"] = {"m"}
        leader = asyncio.create_task(made.ask(model="m"))
        await asyncio.sleep(0.05)
        follower = await made.ask(model="m", key="sk-d")
        assert (follower.status, follower.get("x-hx-cache"), follower.body) == (200, "hit", (await leader).body)


async def test_a_large_json_answer_in_pieces_is_kept_whole() -> None:
    big = {"x": "y" * 300_000}
    async with house(LiteLLM(body=big)) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(3)))
        last = await made.ask()
        assert {answer.body for answer in [*answers, last]} == {orjson.dumps(big)}
        assert made.litellm.calls == 1
        assert last.get("x-hx-cache") == "hit"
