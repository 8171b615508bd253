"""Streams: kept whole, replayed as streams, shared while they pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cached import LiteLLM, house, labels

from limits import limit
from wire import Answer, client, read_chunks

if TYPE_CHECKING:
    from wire import Client


async def chunks(connection: Client) -> tuple[Answer, list[bytes]]:
    head = await connection.head()
    return head, [piece async for piece in read_chunks(connection.reader)]


async def test_a_stream_is_replayed_as_a_stream_in_its_pieces(store: str) -> None:
    async with house(store=store) as made:
        found = []
        for _ in range(2):
            async with client(made.port) as connection:
                await connection.send(made.request(stream=True))
                found.append(await chunks(connection))
        (first, pieces), (second, replayed) = found
        assert labels([first, second]) == ["miss", "hit"]
        assert second.get("Content-Type") == "text/event-stream"
        assert len(pieces) == 4
        assert replayed == pieces
        assert labels([await made.ask()]) == ["miss"]  # the same, not as a stream, is another answer


@pytest.mark.parametrize(
    "change",
    [
        {"last": b""},
        {"last": b'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n'},
        {"last": b'data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}\n\ndata: [DONE]\n\n'},
        {"events": 200},
    ],
)
async def test_streams_that_are_not_kept(change: dict[str, Any]) -> None:
    async with house(LiteLLM(**change), max_entry=2048) as made:
        answers = [await made.ask(stream=True) for _ in range(2)]
        assert labels(answers) == ["miss", "miss"]
        assert answers[0].body.count(b"data: ") >= made.litellm.events


async def test_a_stream_that_broke_off_is_not_kept() -> None:
    async with house(LiteLLM(broken=True)) as made:
        for _ in range(2):
            with pytest.raises(asyncio.IncompleteReadError):
                await made.ask(stream=True)
        assert made.litellm.calls == 2


async def test_identical_streams_go_upstream_once_also_for_who_comes_late() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold, hold_after=2)) as made:
        early = [asyncio.create_task(made.ask(stream=True)) for _ in range(3)]
        await made.under_way(3)
        async with client(made.port) as late:
            await late.send(made.request(stream=True))
            head = await late.head()
            assert (head.status, head.get("x-hx-cache")) == (200, "hit")
            pieces = read_chunks(late.reader)
            assert b'"i":0' in await anext(pieces)
            hold.set()
            rest = b"".join([piece async for piece in pieces])
        answers = await asyncio.gather(*early)
        assert made.litellm.calls == 1
        assert len({answer.body for answer in answers}) == 1
        assert answers[0].body.endswith(rest)
        assert labels([await made.ask(stream=True)]) == ["hit"]


async def test_a_leader_that_leaves_its_stream_fails_nobody() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold, hold_after=1)) as made:
        async with client(made.port) as leader:
            await leader.send(made.request(stream=True))
            await leader.head()
            follower = asyncio.create_task(made.ask(stream=True))
            await made.under_way(2)
            leader.abort()
        await made.under_way(1)
        hold.set()
        answer = await follower
        assert answer.body.endswith(made.litellm.last)
        assert (made.litellm.calls, answer.get("x-hx-cache")) == (1, "hit")
        assert labels([await made.ask(stream=True)]) == ["hit"]


async def test_who_goes_on_reading_pays_for_the_rest() -> None:
    hold = asyncio.Event()
    usage = b'data: {"usage":{"prompt_tokens":5,"completion_tokens":40}}\n\n'
    litellm = LiteLLM(hold=hold, hold_after=2, last=usage + b"data: [DONE]\n\n")
    async with house(litellm, limits=[limit("t", "tokens", 1000)]) as made:
        async with client(made.port) as leader:
            await leader.send(made.request(stream=True, max_tokens=100))
            await leader.head()
            follower, other = (asyncio.create_task(made.ask(stream=True, max_tokens=100)) for _ in range(2))
            await made.under_way(3)
            pieces = read_chunks(leader.reader)
            for _ in range(2):
                await anext(pieces)
            leader.abort()
        await made.under_way(2)
        hold.set()
        assert labels([await follower, await other]) == ["hit", "hit"]
        await made.under_way(0)
        probe = await made.ask(temperature=1)
        # 45 for the answer, and one that the probe reserves
        assert (made.litellm.calls, probe.get("x-ratelimit-remaining-tokens")) == (2, "954")
    tokens = [(line["cache"], line["prompt_tokens"], line["completion_tokens"]) for line in made.log[:3]]
    assert tokens[0] == ("miss", 0, 2)
    assert sorted(tokens[1:], key=str) == [("hit", 5, 38), ("hit", None, None)]


async def test_when_all_have_left_the_upstream_is_told_at_once() -> None:
    async with house(LiteLLM(hold=asyncio.Event(), hold_after=1)) as made:
        async with client(made.port) as first, client(made.port) as second:
            for connection in (first, second):
                await connection.send(made.request(stream=True))
                await connection.head()
            first.abort()
            second.abort()
        async with asyncio.timeout(0.5):
            await made.server.gone.wait()
        assert made.litellm.calls == 1


async def test_a_stream_too_large_to_be_joined_late_is_asked_for_again() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(events=60, hold=hold, hold_after=59), max_entry=1024) as made:
        leader = asyncio.create_task(made.ask(stream=True))
        await asyncio.sleep(1)
        late = asyncio.create_task(made.ask(stream=True))
        await asyncio.sleep(0.1)
        hold.set()
        answers = [await leader, await late]
        assert labels(answers) == ["miss", "miss"]
        assert [answer.body.count(b"data: {") for answer in answers] == [60, 60]
