"""Both stores of sessions, by the same questions; Redis is a real one."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.config.redis import RedisSection
from hx_gateway.config.sessions import Sessions
from hx_gateway.sessions.memory import MemorySessions
from hx_gateway.sessions.redis import RedisSessions
from hx_gateway.sessions.store import Begun, SessionStore
from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.redis import open_redis

from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@pytest.fixture(params=["memory", "redis"])
def kind(request: pytest.FixtureRequest, server: RedisServer) -> str:
    server.admin().flushall()
    return str(request.param)


@asynccontextmanager
async def opened(kind: str, server: RedisServer, **section: Any) -> AsyncIterator[SessionStore]:
    config = Sessions.model_validate({"enabled": True, **section})
    async with AsyncExitStack() as lifespan:
        redis = await open_redis(RedisSection(enabled=kind == "redis"), lifespan, {"REDIS_URL": server.url})
        store = RedisSessions(redis, config) if redis is not None else MemorySessions(config)
        store.end("warm", 0, "")  # a script that is posted before Redis has it is done a turn later
        if redis is not None:
            await redis.call("PING")
            await asyncio.sleep(0.02)
        yield store


async def test_requests_tokens_and_upstream_are_kept(kind: str, server: RedisServer) -> None:
    async with opened(kind, server) as store:
        assert await store.begin("a") == Begun(1, 0)
        store.end("a", 12, "10.0.0.1:4000")
        assert await store.begin("a") == Begun(2, 12, "10.0.0.1:4000")
        store.end("a", 0, "")
        assert await store.begin("a") == Begun(3, 12, "10.0.0.1:4000")
        store.end("a", 3, "10.0.0.2:4000")
        assert await store.begin("a") == Begun(4, 15, "10.0.0.2:4000")
        assert await store.begin("b") == Begun(1, 0)


async def test_an_issued_session_has_its_first_request(kind: str, server: RedisServer) -> None:
    async with opened(kind, server) as store:
        store.add("a", 5, "h:1")
        assert await store.begin("a") == Begun(2, 5, "h:1")


async def test_limits(kind: str, server: RedisServer) -> None:
    async with opened(kind, server, max_requests=2, max_tokens=10) as store:
        assert [(await store.begin("a")).refused for _ in range(4)] == ["", "", "requests", "requests"]
        assert (await store.begin("a")).requests == 2
        await store.begin("b")
        store.end("b", 9, "")
        assert (await store.begin("b")).refused == ""
        await store.begin("c")
        store.end("c", 10, "")
        assert await store.begin("c") == Begun(1, 10, "", "tokens")


async def test_an_idle_session_is_forgotten(kind: str, server: RedisServer) -> None:
    async with opened(kind, server, ttl=0.2) as store:
        await store.begin("a")
        for _ in range(3):
            await asyncio.sleep(0.1)
            assert (await store.begin("a")).requests > 1
        store.end("a", 1, "h:1")
        await asyncio.sleep(0.3)
        assert await store.begin("a") == Begun(1, 0)


async def test_memory_is_bounded() -> None:
    store = MemorySessions(Sessions(memory_max=2), time.monotonic)
    await store.begin("a")
    await store.begin("b")
    await store.begin("a")
    await store.begin("c")
    assert [(await store.begin(name)).requests for name in ("a", "b")] == [3, 1]


async def test_counting_is_one_command_and_several_gateways_count_together(server: RedisServer) -> None:
    server.admin().flushall()
    async with opened("redis", server) as one, opened("redis", server) as other:
        await one.begin("warm")
        server.admin().config_resetstat()
        results = await asyncio.gather(*(store.begin("a") for store in (one, other) for _ in range(50)))
        assert sorted(begun.requests for begun in results) == list(range(1, 101))
        stats = server.admin().info("commandstats")
        assert stats["cmdstat_evalsha"]["calls"] == 100
        assert "cmdstat_eval" not in stats
    assert 0 < server.admin().pttl("hx:session:a") <= 3_600_000


async def test_without_redis_it_says_so() -> None:
    with RedisServer() as gone:
        async with opened("redis", gone) as store:
            gone.kill()
            await asyncio.sleep(0.05)
            with pytest.raises(StoreUnavailableError):
                await store.begin("a")
            store.end("a", 1, "")
            store.add("a", 1, "")
