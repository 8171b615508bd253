"""What many ask at once is asked once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from cached import LiteLLM, house, labels

from wire import client, until

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
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold)) as made:
        async with client(made.port) as leader:
            await leader.send(made.request())
            await until(lambda: made.litellm.calls == 1)
            followers = [asyncio.create_task(made.ask()) for _ in range(5)]
            await made.under_way(6)
            leader.abort()
        await until(lambda: made.litellm.calls == 2)  # one of them asks in its place
        hold.set()
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
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold)) as made:
        first = asyncio.create_task(made.ask())
        await until(lambda: made.litellm.calls == 1)
        fresh = [asyncio.create_task(made.ask("Cache-Control: no-cache")) for _ in range(3)]
        await until(lambda: made.litellm.calls == 4)
        hold.set()
        assert labels(await asyncio.gather(first, *fresh)) == ["miss"] * 4
        assert made.litellm.calls == 4


async def test_shared_models_are_shared_at_the_same_time_by_keys_that_may_use_them() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold), shared_models=["*"]) as made:
        leader = asyncio.create_task(made.ask(model="n"))
        await until(lambda: made.litellm.calls == 1)
        answers = await asyncio.gather(made.ask(model="n", key="sk-b"), made.ask(model="n", key="sk-c"))
        assert [answer.status for answer in answers] == [403, 401]
        hold.set()
        assert (await leader).status == 200
        hold.clear()
        made.litellm.keys["sk-d"] = {"m"}
        calls = made.litellm.calls
        leader = asyncio.create_task(made.ask(model="m"))
        await until(lambda: made.litellm.calls > calls)
        following = asyncio.create_task(made.ask(model="m", key="sk-d"))
        await made.under_way(2)
        hold.set()
        follower = await following
        assert (follower.status, follower.get("x-hx-cache"), follower.body) == (200, "hit", (await leader).body)


async def test_a_large_json_answer_in_pieces_is_kept_whole() -> None:
    big = {"x": "y" * 300_000}
    async with house(LiteLLM(body=big)) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(3)))
        last = await made.ask()
        assert {answer.body for answer in [*answers, last]} == {orjson.dumps(big)}
        assert made.litellm.calls == 1
        assert last.get("x-hx-cache") == "hit"
