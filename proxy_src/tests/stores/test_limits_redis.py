"""Limits in a real Redis: the same mathematics, atomic, and by the server's clock."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hx_gateway.config.redis import RedisSection
from hx_gateway.stores import limits_redis
from hx_gateway.stores.errors import StoreReplyError, StoreTimeoutError, StoreUnavailableError
from hx_gateway.stores.limits_lua import SETTLE
from hx_gateway.stores.limits_memory import MemoryLimits
from hx_gateway.stores.limits_redis import RedisLimits
from hx_gateway.stores.redis import Redis, open_redis
from hx_gateway.stores.script import Script

from limits import Clock, limit, plan
from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROLE = Path(__file__).parents[3] / "roles/redis/defaults/main.yml"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@asynccontextmanager
async def limiter(server: RedisServer, lease: float = 30, **section: Any) -> AsyncIterator[tuple[RedisLimits, Redis]]:
    config = RedisSection.model_validate({"enabled": True, **section})
    async with AsyncExitStack() as lifespan:
        redis = await open_redis(config, lifespan, {"REDIS_URL": server.url})
        assert redis is not None
        made = RedisLimits(redis, lease)
        lifespan.callback(made.close)
        yield made, redis


@pytest.fixture(autouse=True)
def _empty(server: RedisServer) -> None:
    server.admin().flushall()
    server.admin().script_load(SETTLE.text)  # what is posted before the server knows its script is done a turn later


def levels(server: RedisServer) -> dict[bytes, bytes]:
    admin = server.admin()
    return {key: admin.get(key) for key in sorted(admin.keys("*")) if admin.type(key) == b"string"}


async def test_the_amount_passes_and_no_more_however_many_ask_at_once(server: RedisServer) -> None:
    async with limiter(server) as (one, _), limiter(server) as (other, _):
        hundred = plan(limit(amount=100))
        verdicts = await asyncio.gather(*(made.take(hundred, 0, "") for made in (one, other) for _ in range(200)))
        assert sum(verdict.refused == -1 for verdict in verdicts) == 100
        passed = sorted(verdict.remaining[0] for verdict in verdicts if verdict.refused == -1)
        assert passed == list(range(100))


async def test_a_refused_request_uses_nothing_of_any_limit(server: RedisServer) -> None:
    async with limiter(server) as (limits, _):
        several = plan(
            limit("many", amount=10),
            limit("tokens", "tokens", 100),
            limit("few", amount=1),
            limit("c", "concurrent", 5),
        )
        assert (await limits.take(several, 10, "x")).refused == -1
        before = levels(server)
        for _ in range(3):
            verdict = await limits.take(several, 10, "y")
            assert verdict.refused == 2
            assert verdict.remaining == [9, 90, 0, 4]
        assert levels(server) == before
        assert server.admin().zrange("hx:limit:c:*", 0, -1) == [b"x"]


async def test_one_round_trip_for_all_limits(server: RedisServer) -> None:
    async with limiter(server) as (limits, redis):
        several = plan(*(limit(f"l{number}", ("requests", "tokens")[number % 2], 10) for number in range(8)))
        await limits.take(several, 1, "")
        calls = redis.state.calls
        await limits.take(several, 1, "")
        assert redis.state.calls == calls + 1


async def test_every_key_expires_when_it_would_be_empty(server: RedisServer) -> None:
    async with limiter(server, lease=20) as (limits, _):
        await limits.take(
            plan(
                limit("r", amount=10, window=100.0), limit("t", "tokens", 50, window=50.0), limit("c", "concurrent", 2)
            ),
            7,
            "x",
        )
        admin = server.admin()
        assert {key.decode() for key in admin.keys("*")} == {"hx:limit:r:*", "hx:limit:t:*", "hx:limit:c:*"}
        for key, longest in (("r", 10_000), ("t", 7000), ("c", 20_000)):
            assert longest - 500 < admin.pttl(f"hx:limit:{key}:*") <= longest
        await limits.take(plan(limit("fast", amount=1, window=0.05)), 0, "")
        await asyncio.sleep(0.08)
        assert admin.exists("hx:limit:fast:*") == 0


async def test_corrections_of_a_turn_go_out_together(server: RedisServer) -> None:
    async with limiter(server) as (limits, redis):
        tokens = plan(limit("t", "tokens", 1000), limit("u", "tokens", 2000))
        for _ in range(5):
            await limits.take(tokens, 100, "")
        calls = redis.state.calls
        for _ in range(5):
            limits.settle(tokens, -90, "")
        verdict = await limits.take(tokens, 0, "")
        assert verdict.remaining == [950, 1950]
        assert redis.state.calls - calls == 2
        limits.settle(tokens, -1000, "")
        await asyncio.sleep(0.01)
        assert await redis.call("EXISTS", *tokens.keys) == 0


@pytest.mark.parametrize("jump", [-3_600_000, 3_600_000])
async def test_a_clock_of_the_server_that_jumped(server: RedisServer, jump: int) -> None:
    """A level that was written an hour ago, or an hour ahead, as a clock that was set would leave it."""
    admin = server.admin()
    async with limiter(server) as (limits, _):
        ten = plan(limit(amount=10, window=10.0))
        for _ in range(10):
            await limits.take(ten, 0, "")
        level, last = admin.get("hx:limit:a:*").split()
        admin.set("hx:limit:a:*", b"%s %d" % (level, int(last) - jump))
        verdict = await limits.take(ten, 0, "")
        if jump > 0:  # time has passed, as far as anybody can know
            assert verdict.standings == [(9, 1000)]
        else:  # nothing is given, and nobody waits for the hour to pass again
            assert verdict.refused == 0
            assert verdict.wait <= 1000
            await asyncio.sleep(1.05)
            assert (await limits.take(ten, 0, "")).refused == -1


async def test_places_are_freed_at_once(server: RedisServer) -> None:
    async with limiter(server) as (limits, _):
        two = plan(limit("c", "concurrent", 2))
        assert [(await limits.take(two, 0, name)).refused for name in "abc"] == [-1, -1, 0]
        limits.settle(two, 0, "a")
        assert [(await limits.take(two, 0, name)).refused for name in "de"] == [-1, 0]


async def test_places_of_a_gateway_that_died_are_free_after_the_lease(server: RedisServer) -> None:
    one = plan(limit("c", "concurrent", 1))
    async with limiter(server, lease=1) as (limits, _):
        async with limiter(server, lease=1) as (dead, _):
            assert (await dead.take(one, 0, "x")).refused == -1
        assert (await limits.take(one, 0, "y")).refused == 0
        await asyncio.sleep(1.1)
        assert (await limits.take(one, 0, "y")).refused == -1


async def test_places_are_kept_as_long_as_they_are_held(server: RedisServer) -> None:
    one = plan(limit("c", "concurrent", 1))
    async with limiter(server, lease=1) as (limits, _):
        assert (await limits.take(one, 0, "x")).refused == -1
        server.admin().flushall()  # as if it had been started again
        for _ in range(5):
            await asyncio.sleep(0.4)
            assert (await limits.take(one, 0, "y")).refused == 0
        limits.settle(one, 0, "x")
        assert (await limits.take(one, 0, "y")).refused == -1
        limits.settle(one, 0, "y")
        await asyncio.sleep(0.5)
        assert server.admin().keys("*") == []
        assert limits._renewal is None


async def test_a_caller_that_leaves_keeps_no_place(server: RedisServer) -> None:
    async with limiter(server) as (limits, redis):
        one = plan(limit("c", "concurrent", 1))
        task = asyncio.create_task(limits.take(one, 0, "x"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await redis.call("PING")
        assert server.admin().zcard("hx:limit:c:*") == 0


@pytest.mark.parametrize("late", [False, True])
async def test_a_caller_that_leaves_is_charged_no_tokens(server: RedisServer, late: bool) -> None:
    async with limiter(server) as (limits, redis):
        tokens = plan(limit("t", "tokens", 100))
        await limits.take(tokens, 10, "")
        asked = limits.ask(tokens, 50, "")
        task = asyncio.create_task(limits.take(tokens, 50, "", asked))
        if late:  # in the moment in which the reply is here already
            asked.add_done_callback(lambda _: task.cancel())
        else:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await redis.call("PING")
        assert (await limits.take(tokens, 0, "")).remaining == [90]


async def test_a_caller_that_leaves_is_given_back_nothing_it_was_refused(server: RedisServer) -> None:
    async with limiter(server) as (limits, redis):
        both = plan(limit("t", "tokens", 100), limit("r", amount=1))
        await limits.take(both, 90, "")
        task = asyncio.create_task(limits.take(both, 5, ""))
        await asyncio.sleep(0)
        task.cancel()
        await redis.call("PING")
        assert (await limits.take(plan(limit("t", "tokens", 100)), 0, "")).remaining == [10]


async def test_what_is_raised_when_the_server_does_not_count() -> None:
    one = plan(limit())
    with RedisServer() as own:
        async with limiter(own, timeout=0.2) as (limits, _):
            own.pause()
            with pytest.raises(StoreTimeoutError):
                await limits.take(one, 0, "")
            with pytest.raises(StoreUnavailableError):
                await limits.take(one, 0, "")
            limits.settle(plan(limit("t", "tokens", 1)), 5, "x")
            own.resume()
    for arguments, code in (
        (("--replicaof", "127.0.0.1 1"), "READONLY"),
        (("--maxmemory", "1", "--maxmemory-policy", "noeviction"), "OOM"),
    ):
        with RedisServer(*arguments) as own:
            async with limiter(own) as (limits, _):
                with pytest.raises(StoreReplyError, match=code):
                    await limits.take(one, 0, "")
                assert own.admin().keys("*") == []


async def test_what_the_role_lets_the_gateway_do_is_enough() -> None:
    commands = yaml.safe_load(ROLE.read_text())["redis_commands"]
    with RedisServer(acl=f"resetchannels ~hx:* &hx:* -@all {' '.join(commands)}") as own:
        async with limiter(own, lease=1) as (limits, redis):
            several = plan(limit("r"), limit("t", "tokens", 10), limit("c", "concurrent", 1))
            for name in "ab":
                assert (await limits.take(several, 3, name)).refused == (-1 if name == "a" else 2)
            await asyncio.sleep(0.5)  # longer than until the lease is renewed
            limits.settle(several, -2, "a")
            await asyncio.sleep(0.05)
            verdict = await limits.take(several, 0, "c")
            assert verdict.remaining == [1, 9, 0]
            assert redis.state.failures == 0


class FakeTime(Script):
    """A script that asks a key for the time, and whose keys do not expire by the real one."""

    def __init__(self, script: Script) -> None:
        text = script.text.replace("redis.call('TIME')", "redis.call('HMGET', 'test:clock', 's', 'us')")
        super().__init__(text.replace(", 'PX', lasts", ""))
        assert "TIME" not in self.text


steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 40), st.integers(0, 20_000)),
        st.tuples(st.just("settle"), st.integers(-60, 60), st.integers(0, 20_000)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps,
    st.integers(1, 12),
    st.integers(1, 10**6),
    st.floats(0.01, 86400),
    st.integers(0, 10),
)
def test_redis_counts_as_the_process_does(
    server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    sequence: list[tuple[str, int, int]],
    amount: int,
    tokens: int,
    window: float,
    burst: int,
) -> None:
    for name in ("TAKE", "SETTLE"):
        script = getattr(limits_redis, name)
        if not isinstance(script, FakeTime):
            monkeypatch.setattr(limits_redis, name, FakeTime(script))
        # a script that the server has to be taught first runs later than the PING that waits for it
        server.admin().script_load(getattr(limits_redis, name).text)
    both = plan(
        limit("r", amount=amount, window=7.0, burst=burst),
        limit("t", "tokens", tokens, window=window),
        limit("c", "concurrent", 1000),
    )
    clock = Clock()
    admin = server.admin()
    admin.flushall()

    async def compare() -> None:
        memory = MemoryLimits(clock)
        async with limiter(server, lease=10**7) as (limits, redis):
            for number, (what, value, pause) in enumerate(sequence):
                clock.now += pause
                admin.hset("test:clock", mapping={"s": clock.now // 1000, "us": clock.now % 1000 * 1000 + 999})
                if what == "take":
                    assert await limits.take(both, value, str(number)) == await memory.take(both, value, str(number))
                else:
                    limits.settle(both, value, "")
                    tokens_only = plan(limit("t", "tokens", tokens, window=window))
                    memory.settle(tokens_only, value, "")
                    await asyncio.sleep(0)
                    await redis.call("PING")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(compare())


async def test_the_gateways_clock_is_not_asked(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with limiter(server) as (limits, _):
        three = plan(limit())
        for _ in range(3):
            await limits.take(three, 0, "")
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600)
        monkeypatch.setattr(time, "monotonic_ns", lambda: 0)
        assert (await limits.take(three, 0, "")).refused == 0
