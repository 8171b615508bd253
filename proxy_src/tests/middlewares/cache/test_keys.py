"""Who gets a kept answer: the key it was given to, as long as LiteLLM takes it."""

from __future__ import annotations

import asyncio

from cached import house, labels


async def test_another_key_never_gets_the_answer(store: str) -> None:
    async with house(store=store) as made:
        assert labels([await made.ask(key="sk-a"), await made.ask(key="sk-b"), await made.ask(key="sk-b")]) == [
            "miss",
            "miss",
            "hit",
        ]
        nobody = await made.ask(key="")
        assert (nobody.status, nobody.get("x-hx-cache")) == (401, "bypass")


async def test_several_credentials_neither_get_nor_leave_an_answer(store: str) -> None:
    async with house(store=store) as made:
        assert labels([await made.ask("x-api-key: other") for _ in range(2)]) == ["bypass", "bypass"]
        assert labels([await made.ask(), await made.ask(), await made.ask("x-api-key: other")]) == [
            "miss",
            "hit",
            "bypass",
        ]
        assert made.litellm.calls == 4


async def test_what_several_credentials_may_says_nothing_of_one(store: str) -> None:
    async with house(store=store, shared_models=["m"]) as made:
        await made.ask(key="sk-b")
        await made.ask("x-api-key: other", key="sk-a")
        assert labels([await made.ask(key="sk-a")]) == ["hit"]
        assert made.litellm.asked == 1


async def test_shared_models_are_shared_among_keys_that_may_use_them(store: str) -> None:
    async with house(store=store, shared_models=["m", "n"]) as made:
        await made.ask(key="sk-a")
        assert labels([await made.ask(key="sk-b")]) == ["hit"]
        assert made.litellm.asked == 1
        await made.ask(key="sk-a", model="n")
        refused = await made.ask(key="sk-b", model="n")
        assert (refused.status, refused.get("x-hx-cache")) == (403, "miss")
        unknown = await made.ask(key="sk-c")
        assert (unknown.status, unknown.get("x-hx-cache")) == (401, "bypass")


async def test_a_revoked_key_stops_hitting_within_auth_ttl(store: str) -> None:
    async with house(store=store, auth_ttl=0.2) as made:
        await made.ask()
        assert labels([await made.ask()]) == ["hit"]
        del made.litellm.keys["sk-a"]
        await asyncio.sleep(0.25)
        for _ in range(2):
            answer = await made.ask()
            assert (answer.status, answer.get("x-hx-cache")) == (401, "bypass")
        assert made.litellm.calls == 3


async def test_a_key_that_lost_a_model_stops_hitting_within_auth_ttl(store: str) -> None:
    async with house(store=store, auth_ttl=0.2) as made:
        await made.ask()
        made.litellm.keys["sk-a"] = {"n"}
        await asyncio.sleep(0.25)
        for _ in range(2):
            answer = await made.ask()
            assert (answer.status, answer.get("x-hx-cache")) == (403, "miss")


async def test_a_good_key_is_asked_for_once_each_auth_ttl() -> None:
    async with house(auth_ttl=0.2) as made:
        await made.ask()
        await asyncio.sleep(0.25)
        answers = await asyncio.gather(*(made.ask() for _ in range(10)))
        assert labels(answers) == ["hit"] * 10
        assert (made.litellm.calls, made.litellm.asked) == (1, 1)


async def test_a_401_elsewhere_is_enough() -> None:
    async with house() as made:
        await made.ask()
        del made.litellm.keys["sk-a"]
        assert (await made.ask(temperature=1)).status == 401
        assert (await made.ask()).status == 401
