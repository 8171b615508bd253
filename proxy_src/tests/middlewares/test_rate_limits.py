"""Limits as clients meet them: through gateways, in this process and in a real Redis."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import AsyncExitStack
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.generation import open_generation
from hx_gateway.log import LogSink
from hx_gateway.message import BytesBody, Request
from hx_gateway.middleware import ServiceState
from hx_gateway.middlewares.rate_limits import _longest_answer

from limits import limit
from redis_server import RedisServer
from running import configured, gateway, process
from wire import ask, chunk, client, reply, request, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running import Gateway
    from wire import Play, Seen


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@pytest.fixture
def redis(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    """An empty Redis, and its address in the environment."""
    server.admin().flushall()
    monkeypatch.setenv("REDIS_URL", server.url)
    return server


def limited(*limits: dict[str, Any], shared: bool = False, **more: Any) -> dict[str, Any]:
    return {"rate_limits": {"limits": list(limits), **more}, "redis": {"enabled": shared}}


def chat(model: str = "m", key: str = "sk-1", content: str = "", **more: Any) -> bytes:
    body = orjson.dumps({"model": model, "messages": [{"role": "user", "content": content}], **more})
    return request("/v1/chat/completions", "POST", [f"Authorization: Bearer {key}"], body)


def used(prompt: int, completion: int) -> Play:
    """Answer and say how many tokens that took."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    return answer(reply(200, orjson.dumps({"usage": usage}), ["Content-Type: application/json"]))


def answer(data: bytes) -> Play:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return play


async def hang_up(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def remaining(gw: Gateway, kind: str = "tokens") -> int:
    """Return what is left, by a request that takes no tokens."""
    headers = ["Authorization: Bearer sk-1"]
    return int((await ask(gw.port, request("/v1/models", headers=headers))).get(f"x-ratelimit-remaining-{kind}") or -1)


@pytest.mark.parametrize("shared", [False, True])
async def test_a_refusal_is_what_openai_would_say(shared: bool, redis: RedisServer) -> None:
    async with upstream(used(1, 1)) as up, gateway(up.url, **limited(limit("few", amount=2), shared=shared)) as gw:
        answers = [await ask(gw.port, chat()) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert [answer.get("x-ratelimit-remaining-requests") for answer in answers] == ["1", "0", "0"]
        assert answers[0].get("x-ratelimit-limit-requests") == "2"
        assert answers[0].get("x-ratelimit-reset-requests") == "30m0s"
        error = orjson.loads(answers[2].body)["error"]
        assert (error["type"], error["code"], error["param"]) == ("requests", "rate_limit_exceeded", None)
        assert error["request_id"] == answers[2].get("x-request-id")
        assert 1790 <= int(answers[2].get("Retry-After") or 0) <= 1800
        assert answers[2].get("Connection") is None
        assert len(up.seen) == 2


@pytest.mark.parametrize("shared", [False, True])
async def test_each_key_model_and_client_has_its_own(shared: bool, redis: RedisServer) -> None:
    limits = (limit("pair", amount=1, scope=["key", "model"]), limit("client", amount=4, scope=["client"]))
    async with upstream(used(1, 1)) as up, gateway(up.url, **limited(*limits, shared=shared)) as gw:
        tries = [("m", "sk-1"), ("m", "sk-1"), ("n", "sk-1"), ("m", "sk-2"), ("n", "sk-2"), ("o", "sk-2")]
        found = [(await ask(gw.port, chat(model, key))).status for model, key in tries]
        assert found == [200, 429, 200, 200, 200, 429]


async def test_only_the_named_keys_are_limited() -> None:
    digest = sha256(b"sk-1").hexdigest()
    async with upstream() as up, gateway(up.url, **limited(limit(amount=1, key_hashes=[digest]))) as gw:
        assert [(await ask(gw.port, chat(key=key))).status for key in ("sk-1", "sk-1", "sk-2", "sk-2")] == [
            200,
            429,
            200,
            200,
        ]
        other = await ask(gw.port, chat(key="sk-2"))
        assert other.get("x-ratelimit-limit-requests") is None


@pytest.mark.parametrize("limits", [{"scope": ["key"]}, {"key_hashes": [sha256(b"sk-1").hexdigest()]}])
async def test_a_credential_that_litellm_does_not_take_makes_nobody_another(limits: dict[str, Any]) -> None:
    async with upstream() as up, gateway(up.url, **limited(limit(amount=1, **limits))) as gw:
        body = orjson.dumps({"model": "m"})
        asked = [
            request("/v1/chat/completions", "POST", ["Authorization: Bearer sk-1", f"{name}: {name}"], body)
            for name in ("api-key", "x-api-key", "x-goog-api-key")
        ]
        assert [(await ask(gw.port, data)).status for data in asked] == [200, 429, 429]


async def test_models_with_long_names_count_by_what_their_names_begin_with() -> None:
    async with upstream() as up, gateway(up.url, **limited(limit(amount=1, scope=["model"]))) as gw:
        names = ["x" * 256, "x" * 257, "x" * 100_000]
        assert [(await ask(gw.port, chat(name))).status for name in names] == [200, 200, 429]
        assert orjson.loads(up.seen[1].body)["model"] == names[1]


@pytest.mark.parametrize("shared", [False, True])
async def test_tokens_are_reserved_before_and_corrected_after(shared: bool, redis: RedisServer) -> None:
    async with (
        upstream(used(10, 20)) as up,
        gateway(up.url, **limited(limit("t", "tokens", 1000), shared=shared)) as gw,
    ):
        first = await ask(gw.port, chat(content="x" * 400, max_tokens=300))
        assert first.get("x-ratelimit-remaining-tokens") == "600"  # 100 for the prompt, 300 for the answer
        assert first.get("x-ratelimit-limit-requests") is None
        await asyncio.sleep(0.02)
        assert await remaining(gw) == 970
        too_much = await ask(gw.port, chat(max_completion_tokens=971))
        error = orjson.loads(too_much.body)["error"]
        assert (too_much.status, error["type"], error["code"]) == (429, "tokens", "rate_limit_exceeded")


async def test_answers_that_take_more_than_reserved_are_charged_in_full() -> None:
    async with upstream(used(10, 5000)) as up, gateway(up.url, **limited(limit("t", "tokens", 1000))) as gw:
        assert (await ask(gw.port, chat(content="x" * 40))).status == 200
        await asyncio.sleep(0.02)
        assert (await ask(gw.port, chat(content="x"))).status == 429
        assert (await ask(gw.port, request("/v1/models"))).status == 200  # takes no tokens


PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("more", [{"messages": PICTURE}, {"tools": [{"type": "function"}]}])
async def test_what_cannot_be_estimated_is_charged_and_refused(
    shared: bool, more: dict[str, Any], redis: RedisServer
) -> None:
    async with (
        upstream(used(600, 50)) as up,
        gateway(up.url, **limited(limit("t", "tokens", 1000), shared=shared)) as gw,
    ):
        found = []
        for _ in range(3):
            found.append(await ask(gw.port, chat(**more)))
            await asyncio.sleep(0.02)
        assert [one.status for one in found] == [200, 200, 429]
        assert [one.get("x-ratelimit-remaining-tokens") for one in found] == ["999", "349", "0"]


async def test_what_cannot_be_estimated_and_was_refused_costs_nothing() -> None:
    async with upstream(answer(reply(400, b"{}"))) as up, gateway(up.url, **limited(limit("t", "tokens", 9))) as gw:
        await ask(gw.port, chat(messages=PICTURE))
        await asyncio.sleep(0.02)
        assert await remaining(gw) == 9


@pytest.mark.parametrize(
    ("play", "left"),
    [
        (answer(reply(400, b"{}", ["Content-Type: application/json"])), 1000),
        (hang_up, 1000),
        (answer(reply(200, b"{}", ["Content-Type: application/json"])), 990),
        (answer(reply(200, b"x", ["Content-Type: audio/mpeg"])), 990),
    ],
)
async def test_what_an_answer_without_usage_is_charged(play: Play, left: int) -> None:
    async with upstream(play) as up, gateway(up.url, **limited(limit("t", "tokens", 1000))) as gw:
        await ask(gw.port, chat(content="x" * 40, max_tokens=500))
        await asyncio.sleep(0.02)
        up.play = used(0, 0)
        assert await remaining(gw) == left


@pytest.mark.parametrize(("cache", "left"), [("hit", 1000), ("stale", 1000), ("miss", 970), ("", 970)])
async def test_what_the_cache_answers_costs_no_tokens(cache: str, left: int) -> None:
    settings = {"middlewares": {"add": [{"factory": f"plugins:Cached{cache.title()}"}]}} if cache else {}
    async with upstream(used(10, 20)) as up, gateway(up.url, **limited(limit("t", "tokens", 1000)), **settings) as gw:
        await ask(gw.port, chat(content="x" * 40, max_tokens=500))
        await asyncio.sleep(0.02)
        up.play = used(0, 0)
        assert await remaining(gw) == left


async def test_a_hit_in_the_real_cache_costs_a_request_and_no_tokens() -> None:
    limits = limited(limit("r", amount=100), limit("t", "tokens", 1000))
    async with (
        upstream(used(10, 20)) as up,
        gateway(up.url, **limits, cache={"enabled": True, "store": "memory"}) as gw,
    ):
        asked = chat(content="x" * 40, temperature=0)
        found = []
        for _ in range(3):
            found.append(await ask(gw.port, asked))
            await asyncio.sleep(0.02)
        assert [one.get("x-hx-cache") for one in found] == ["miss", "hit", "hit"]
        assert [one.get("x-ratelimit-remaining-requests") for one in found] == ["99", "98", "97"]
        assert [one.get("x-ratelimit-remaining-tokens") for one in found] == ["990", "960", "960"]


@pytest.mark.parametrize("shared", [False, True])
async def test_concurrent_streams(shared: bool, redis: RedisServer) -> None:
    done = asyncio.Event()

    async def stream(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = reply(200, headers=["Content-Type: text/event-stream", "Transfer-Encoding: chunked"], length=False)
        writer.write(head + chunk(b"data: {}\n\n"))
        await done.wait()
        writer.write(chunk(b""))

    async with upstream(stream) as up, gateway(up.url, **limited(limit("c", "concurrent", 2), shared=shared)) as gw:
        async with client(gw.port) as one, client(gw.port) as two:
            for connection in (one, two):
                await connection.send(chat())
                assert (await connection.head()).status == 200
            refused = await ask(gw.port, chat())
            error = orjson.loads(refused.body)["error"]
            assert (refused.status, error["type"], refused.get("Retry-After")) == (429, "requests", "1")
            two.abort()  # a client that leaves gives its place back
            async with client(gw.port) as three, asyncio.timeout(2):
                status = 429
                while status == 429:
                    await three.send(chat())
                    head = await three.head()
                    await three.reader.readexactly(int(head.get("Content-Length") or 0))
                    status = head.status
                assert status == 200
                done.set()
        await asyncio.sleep(0.05)
        assert [(await ask(gw.port, chat())).status for _ in range(3)] == [200, 200, 200]
    if shared:
        await asyncio.sleep(0.02)
        assert redis.admin().zcard("hx:limit:c:*") == 0


async def test_the_outcome_names_the_limit() -> None:
    async with upstream() as up:
        async with gateway(up.url, **limited(limit("narrow", amount=1))) as gw:
            for _ in range(2):
                await ask(gw.port, chat())
        assert [(line["status"], line["limit"]) for line in gw.log()] == [(200, None), (429, "narrow")]


async def test_three_gateways_let_exactly_as_many_through(redis: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    total, tokens = limit("total", amount=150), limit("tokens", "tokens", 10_000, scope=["key"])
    async with upstream(used(10, 0)) as up, AsyncExitStack() as stack:
        file.write_bytes(orjson.dumps({"upstream": {"url": up.url}, **limited(total, tokens, shared=True)}))
        gateways = [await stack.enter_async_context(process("--config", str(file))) for _ in range(3)]

        async def one(port: int) -> list[int]:
            found = []
            async with client(port) as connection:
                for _ in range(30):
                    await connection.send(chat(content="x" * 40))
                    found.append((await connection.answer()).status)
            return found

        lists = await asyncio.gather(*(one(made.port) for made in gateways for _ in range(4)))
        statuses = [status for found in lists for status in found]
        assert (len(statuses), statuses.count(200), statuses.count(429)) == (360, 150, 210)
        assert len(up.seen) == 150
        level = int(redis.admin().get(f"hx:limit:tokens:{sha256(b'sk-1').hexdigest()}").split()[0])
        assert level / 360 == pytest.approx(1500, abs=40)  # less what came back meanwhile: one in 360 ms


async def test_a_gateway_that_is_killed_takes_no_places_with_it(redis: RedisServer, tmp_path: Path) -> None:
    async def hang(_: Seen, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    file = tmp_path / "gateway.yml"
    async with upstream(hang) as up:
        one = limited(limit("c", "concurrent", 1, scope=["key"]), shared=True, lease=1.5)
        file.write_bytes(orjson.dumps({"upstream": {"url": up.url}, **one}))
        async with process("--config", str(file)) as first, process("--config", str(file)) as second:
            async with client(first.port) as held:
                await held.send(chat())
                await asyncio.sleep(2)  # longer than the lease, which is renewed
                assert len(up.seen) == 1
                assert (await ask(second.port, chat())).status == 429
                first.signal(signal.SIGKILL)
                assert (await ask(second.port, chat())).status == 429
                await asyncio.sleep(1.6)
                up.play = used(1, 1)
                assert (await ask(second.port, chat())).status == 200


async def test_redis_gone_and_open(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hx_gateway")
    with RedisServer() as own, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", own.url)
        async with upstream(used(1, 1)) as up, gateway(up.url, **limited(limit(amount=2), shared=True)) as gw:
            assert await where(gw) == "redis"
            assert [(await ask(gw.port, chat())).status for _ in range(3)] == [200, 200, 429]
            own.kill()
            # meanwhile this process counts, from nothing
            assert [(await ask(gw.port, chat())).status for _ in range(3)] == [200, 200, 429]
            assert await where(gw) == "memory"
            own.start()
            async with asyncio.timeout(10):
                while await where(gw) != "redis":
                    await asyncio.sleep(0.02)
                    await ask(gw.port, chat())
            assert own.admin().exists("hx:limit:a:*") == 1
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith(("redis_", "limits_"))]
    assert sorted(said) == ["limits_in_memory", "limits_in_redis", "redis_connected", "redis_unavailable"]


async def where(gw: Gateway) -> str:
    return str(orjson.loads((await ask(gw.port, request("/readyz"))).body)["limits"])


async def test_redis_gone_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    ready = reply(200, b'{"status":"healthy","db":"connected"}')
    with RedisServer() as own, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", own.url)
        settings = limited(limit(amount=2, models=["m"]), shared=True, on_store_failure="fail_closed")
        settings["upstream"] = {"readiness": {"cache": 0}}
        async with upstream(answer(ready)) as up, gateway(up.url, **settings) as gw:
            assert (await ask(gw.port, chat())).status == 200
            assert (await ask(gw.port, request("/readyz"))).status == 200
            own.kill()
            refused = await ask(gw.port, chat())
            error = orjson.loads(refused.body)["error"]
            assert (refused.status, error["code"], refused.get("Retry-After")) == (503, "limits_unavailable", "2")
            assert (await ask(gw.port, chat("unlimited"))).status == 200
            readyz = await ask(gw.port, request("/readyz"))
            said = orjson.loads(readyz.body)
            assert (readyz.status, said["ready"], said["limits"]) == (503, False, "unavailable")
            assert (said["litellm"], said["database"]) == ("healthy", "connected")
            own.start()
            async with asyncio.timeout(10):  # although nobody sends a request that is limited
                while (await ask(gw.port, request("/readyz"))).status != 200:  # noqa: ASYNC110 - another process's state
                    await asyncio.sleep(0.05)
            assert await where(gw) == "redis"
    assert caplog.text.count("limits_unavailable") >= 1


@pytest.mark.parametrize(
    "settings",
    [("--replicaof", "127.0.0.1 1"), ("--maxmemory", "1", "--maxmemory-policy", "noeviction")],
    ids=["read-only", "out of memory"],
)
async def test_a_redis_that_refuses_to_count(settings: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer(*settings) as own:
        monkeypatch.setenv("REDIS_URL", own.url)
        async with upstream(used(1, 1)) as up, gateway(up.url, **limited(limit(amount=2), shared=True)) as gw:
            assert [(await ask(gw.port, chat())).status for _ in range(3)] == [200, 200, 429]
            assert await where(gw) == "memory"


async def test_a_paused_redis_delays_one_request_by_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer() as own:
        monkeypatch.setenv("REDIS_URL", own.url)
        settings = limited(limit(amount=100), shared=True)
        settings["redis"] |= {"timeout": 0.2, "connect_timeout": 0.2}
        async with upstream(used(1, 1)) as up, gateway(up.url, **settings) as gw:
            await ask(gw.port, chat())
            own.pause()
            loop = asyncio.get_running_loop()
            times = []
            for _ in range(6):
                began = loop.time()
                assert (await ask(gw.port, chat())).status == 200
                times.append(loop.time() - began)
            own.resume()
            assert 0.2 <= times[0] < 0.5
            assert max(times[1:]) < 0.1


async def test_without_limits_nothing_is_said() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        found = await ask(gw.port, chat())
        assert not any(name.lower().startswith("x-ratelimit") for name, _ in found.headers)
        assert await where(gw) == "off"
    async with upstream() as up, gateway(up.url, **limited(limit())) as gw:
        assert await where(gw) == "memory"


async def test_a_reload_without_limits_says_so() -> None:
    log, state = LogSink(os.memfd_create("access-log")), ServiceState()
    for sections, place in ((limited(limit()), "memory"), ({}, "off")):
        generation = await open_generation(configured(**sections), log, state)
        assert generation.services.limits() == place
        await generation.aclose()
    log.close()


@pytest.mark.parametrize(
    ("document", "tokens"),
    [
        ({}, 0),
        ({"max_tokens": 10}, 10),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_output_tokens": 7, "n": 3}, 21),
        ({"max_tokens": 10, "n": 0}, 10),
        ({"max_tokens": True}, 0),
        ({"max_tokens": "10"}, 0),
        ({"max_tokens": -10}, 0),
        ({"max_tokens": 10.5}, 0),
        ({"max_tokens": 10**30}, 0),
        ({"max_tokens": None, "n": None}, 0),
    ],
)
def test_how_long_an_answer_may_be(document: dict[str, Any], tokens: int) -> None:
    assert _longest_answer(document) == tokens


async def test_a_request_that_asks_for_more_than_can_be_counted_is_refused() -> None:
    async with upstream() as up, gateway(up.url, **limited(limit("t", "tokens", 1000))) as gw:
        assert (await ask(gw.port, chat(max_tokens=2**31 - 1, n=2**31 - 1))).status == 429
        assert up.seen == []


def test_requests_have_what_limits_ask_for() -> None:
    made = Request("GET", "/v1/x", CIMultiDict(), BytesBody(b""))
    assert (made.key, made.model, made.client, made.outcome.limit) == ("", "", "", "")
