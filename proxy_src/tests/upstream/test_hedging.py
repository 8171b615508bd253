"""A second try while the first still runs, over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.config.upstream import Hedging as Config
from hx_gateway.upstream.hedging import Hedging
from scrape import samples, value
from upstream.several import settings, upstreams

from running import gateway
from wire import ask, chunk, client, echo, reply, request, say

if TYPE_CHECKING:
    from wire import Play, Seen, Upstream

EMBEDDINGS = "/v1/embeddings"
CHAT = "/v1/chat/completions"
EVENTS = "Content-Type: text/event-stream"
GOOD = reply(200, b"good")


def hedged(ups: list[Upstream], after: float = 0.1, models: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return settings(ups, checks={"interval": 0}, hedging={"after": after, "models": models or []}, **more)


def slow(seconds: float, answer: bytes = GOOD) -> Play:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(answer)

    return play


def first_slow(seconds: float, first: bytes, second: Play) -> Play:
    """Return what answers the first request it sees, on whichever server, late with `first`; the next as `second`."""
    seen_before: list[Seen] = []

    async def play(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen_before.append(seen)
        if len(seen_before) == 1:
            await asyncio.sleep(seconds)
            writer.write(first)
        else:
            await second(seen, reader, writer)

    return play


def post(target: str, body: bytes = b'{"model": "gpt-x"}', *headers: str) -> bytes:
    return request(target, "POST", headers, body)


def total(ups: list[Upstream]) -> int:
    return sum(len(up.seen) for up in ups)


@pytest.mark.usefixtures("each_client")
async def test_the_second_server_answers_and_the_first_is_left() -> None:
    play = first_slow(30, GOOD, echo)
    async with upstreams(play, play) as ups, gateway(ups[0].url, upstream=hedged(ups), metrics=page()) as gw:
        async with asyncio.timeout(5):
            answer = await ask(gw.port, post(EMBEDDINGS, b'{"model": "e", "input": "x"}'))
            assert (answer.status, json.loads(answer.body)["input"]) == (200, "x")
            assert sorted(len(up.seen) for up in ups) == [1, 1]
            assert ups[0].seen[0].body == ups[1].seen[0].body
            await asyncio.wait([asyncio.ensure_future(up.gone.wait()) for up in ups], return_when="FIRST_COMPLETED")
        found = await samples(gw.metrics_port)
    assert [up.gone.is_set() for up in ups].count(True) == 1
    assert value(found, "hx_gateway_upstream_hedges_total") == 1
    assert value(found, "hx_gateway_upstream_hedges_won_total") == 1
    assert {line["upstream"] for line in gw.log()} == {f"127.0.0.1:{up.port}" for up in ups if not up.gone.is_set()}


def page() -> dict[str, Any]:
    return {"enabled": True, "listen": {"port": 0}}


async def test_the_first_may_still_win() -> None:
    play = first_slow(0.3, reply(200, b"first"), slow(30))
    async with upstreams(play, play) as ups, gateway(ups[0].url, upstream=hedged(ups), metrics=page()) as gw:
        assert (await ask(gw.port, request())).body == b"first"
        found = await samples(gw.metrics_port)
    assert total(ups) == 2
    assert value(found, "hx_gateway_upstream_hedges_total") == 1
    assert value(found, "hx_gateway_upstream_hedges_won_total") == 0


async def test_a_stream_is_decided_by_its_head() -> None:
    async def streaming(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", [EVENTS, "Transfer-Encoding: chunked"], length=False))
        for number in range(3):
            writer.write(chunk(b"data: %d\n\n" % number))
            await asyncio.sleep(0.15)
        writer.write(chunk(b""))

    play = first_slow(30, GOOD, streaming)
    async with upstreams(play, play) as ups, gateway(ups[0].url, upstream=hedged(ups, models=["gpt-*"])) as gw:
        answer = await ask(gw.port, post(CHAT, b'{"model": "gpt-x", "stream": true}'))
    assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert total(ups) == 2


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (reply(503), say(reply(200)), 200),
        (reply(200), say(reply(503)), 200),
        (reply(404), slow(30), 404),
        (reply(502), say(reply(503)), 502),
        (b"not HTTP\r\n\r\n", say(reply(503)), 503),
        (b"not HTTP\r\n\r\n", say(b"nor this\r\n\r\n"), 502),
    ],
)
async def test_an_answer_below_500_wins(first: bytes, second: Play, status: int) -> None:
    play = first_slow(0.3, first, second)
    async with upstreams(play, play) as ups, gateway(ups[0].url, upstream=hedged(ups)) as gw:
        async with asyncio.timeout(5):
            assert (await ask(gw.port, request())).status == status
    assert total(ups) == 2


async def test_a_first_that_fails_in_time_is_not_repeated() -> None:
    async with upstreams(say(reply(503)), say(reply(503))) as ups, gateway(ups[0].url, upstream=hedged(ups)) as gw:
        assert (await ask(gw.port, request())).status == 503
    assert total(ups) == 1


async def test_a_client_that_leaves_cancels_both() -> None:
    async with upstreams(slow(30), slow(30)) as ups, gateway(ups[0].url, upstream=hedged(ups)) as gw:
        async with client(gw.port) as leaving:
            await leaving.send(request())
            await asyncio.sleep(0.3)
            assert total(ups) == 2
            leaving.abort()
        async with asyncio.timeout(2):
            await asyncio.gather(*(up.gone.wait() for up in ups))


async def test_hedges_spend_the_budget_of_retries() -> None:
    async with upstreams(slow(1.5), slow(1.5)) as ups:  # later than any hedge, on a busy machine too
        config = hedged(ups, 0.05, retries={"share": 0.01})
        async with gateway(ups[0].url, upstream=config) as gw:
            await asyncio.gather(*(ask(gw.port, request()) for _ in range(40)))
        assert total(ups) == 50  # ten at hand
        config = hedged(ups, 0.05, retries={"share": 0})
        async with gateway(ups[0].url, upstream=config) as gw:
            await ask(gw.port, request())
    assert total(ups) == 51


@pytest.mark.parametrize("config", [{}, {"hedging": {"models": ["*"]}}, {"hedging": {"after": 0}}])
async def test_off_by_default_one_is_sent(config: dict[str, Any]) -> None:
    async with upstreams(slow(0.3), slow(0.3)) as ups:
        async with gateway(ups[0].url, upstream=settings(ups, checks={"interval": 0}, **config)) as gw:
            for asked in (request(), post(EMBEDDINGS), post(CHAT)):
                assert (await ask(gw.port, asked)).status == 200
    assert total(ups) == 3


async def test_an_upload_is_not_repeated() -> None:
    streamed = {"disable": ["json_body"]}
    async with (
        upstreams(slow(0.3), slow(0.3)) as ups,
        gateway(ups[0].url, upstream=hedged(ups), middlewares=streamed) as gw,
    ):
        async with client(gw.port) as connection:
            await connection.send(request(EMBEDDINGS, "POST", ["Transfer-Encoding: chunked"]) + chunk(b"on"))
            await asyncio.sleep(0.02)
            await connection.send(chunk(b"e") + chunk(b""))
            assert (await connection.answer()).status == 200
    assert total(ups) == 1


async def test_nobody_is_asked_who_is_not_well() -> None:
    async with upstreams(slow(0.4), say(b"not HTTP\r\n\r\n")) as ups:
        config = hedged(ups, breaker={"failures": 1, "pause": 100})
        async with gateway(ups[0].url, upstream=config) as gw:
            while not ups[1].seen:
                await ask(gw.port, post("/v1/x"))
            before = total(ups)
            assert (await ask(gw.port, request())).status == 200
    assert total(ups) == before + 1


async def test_nobody_is_asked_who_was_tried_already() -> None:
    async with upstreams(slow(0.3)) as ups:
        config = {"more_urls": ["http://127.0.0.1:1"], "checks": {"interval": 0}, "hedging": {"after": 0.05}}
        async with gateway(ups[0].url, upstream=config) as gw:
            for _ in range(4):
                assert (await ask(gw.port, request())).status == 200
    assert total(ups) == 4


@pytest.mark.parametrize(
    ("method", "target", "model", "allowed"),
    [
        ("GET", "/v1/models", "", True),
        ("HEAD", "/v1/models", "", True),
        ("POST", EMBEDDINGS, "anything", True),
        ("POST", f"{EMBEDDINGS}?x=1", "anything", True),
        ("POST", CHAT, "gpt-4o", True),
        ("POST", CHAT, "claude", False),
        ("POST", CHAT, "", False),
        ("POST", "/v1/responses", "gpt-4o", False),
        ("POST", "/v1/completions", "gpt-4o", False),
        ("DELETE", "/v1/files/f", "", False),
        ("PUT", EMBEDDINGS, "", False),
    ],
)
def test_what_may_be_sent_twice(method: str, target: str, model: str, allowed: bool) -> None:
    assert Hedging(Config(after=1, models=["gpt-*"])).allows(method, target, model) is allowed
