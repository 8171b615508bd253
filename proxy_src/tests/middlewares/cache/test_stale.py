"""Old answers while the upstream fails."""

from __future__ import annotations

import asyncio

import pytest

from cached import gone, house


@pytest.mark.parametrize("how", ["unreachable", "error"])
async def test_stale_answers_while_the_upstream_fails(how: str, store: str) -> None:
    async with house(store=store, ttl=0.1, auth_ttl=0.1, stale_if_error=30) as made:
        await made.ask()
        await asyncio.sleep(0.2)
        if how == "error":
            made.litellm.status = 503
        else:
            made.litellm.keys = {}
            made.server.play = gone
        answer = await made.ask()
        assert (answer.status, answer.get("x-hx-cache"), answer.get("age")) == (200, "stale", "0")
        assert (await made.ask("Cache-Control: max-age=0")).status in {502, 503}
        assert (await made.ask("Cache-Control: no-cache")).status in {502, 503}
        assert (await made.ask(key="sk-b")).status in {502, 503}


async def test_without_stale_if_error_a_failure_is_one() -> None:
    async with house(ttl=0.1) as made:
        await made.ask()
        await asyncio.sleep(0.2)
        made.server.play = gone
        assert (await made.ask()).status == 502


async def test_a_key_refused_meanwhile_gets_no_stale_answer() -> None:
    async with house(ttl=0.1, auth_ttl=0.1, stale_if_error=30) as made:
        await made.ask()
        await asyncio.sleep(0.2)
        made.litellm.keys = {}
        assert (await made.ask()).status == 401
        made.server.play = gone
        assert (await made.ask()).status == 502
