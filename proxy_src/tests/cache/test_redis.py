"""The store in a real Redis."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hx_gateway.cache.entry import Entry
from hx_gateway.cache.redis import RedisStore
from hx_gateway.cache.store import Place, Scope
from hx_gateway.config.redis import RedisSection
from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.redis import open_redis

from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ENTRY = Entry(200, (("Content-Type", "application/json"),), (b"{}",), False, 1.5)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisStore]:
    async with AsyncExitStack() as lifespan:
        redis = await open_redis(RedisSection(enabled=True), lifespan, {"REDIS_URL": server.url})
        assert redis is not None
        yield RedisStore(redis, 100)


def place(key: str, credential: str = "k", model: str = "m", *, shared: bool = False) -> Place:
    return Place(key, credential, model, shared)


async def put(store: RedisStore, where: Place, seconds: float = 10) -> None:
    store.put(where, ENTRY, (await store.get(where)).marks, seconds)
    await store.get(where)  # what is posted leaves with the next command, or a moment later


async def has(store: RedisStore, *places: Place) -> list[bool]:
    return [(await store.get(where)).entry is not None for where in places]


async def test_what_is_put_is_found_by_every_gateway_until_its_time(server: RedisServer) -> None:
    async with opened(server) as store, opened(server) as other:
        await put(store, place("time"), 0.2)
        assert (await other.get(place("time"))).entry == ENTRY
        await asyncio.sleep(0.25)
        assert await has(other, place("time")) == [False]
        assert other.counts() == {}


async def test_a_look_up_is_one_command(server: RedisServer) -> None:
    async with opened(server) as store:
        before = server.admin().info("commandstats")
        await store.get(place("one"))
        after = server.admin().info("commandstats")
        new = {
            name: stats["calls"] - before.get(name, {"calls": 0})["calls"]
            for name, stats in after.items()
            if "info" not in name and "client" not in name and "hello" not in name and "auth" not in name
        }
        assert {name: calls for name, calls in new.items() if calls} == {"cmdstat_mget": 1}


async def test_purges_reach_every_gateway_and_only_what_they_name(server: RedisServer) -> None:
    a, b, c = place("pa", "k1", "m1"), place("pb", "k1", "m é"), place("pc", "k2", "m é")
    async with opened(server) as store, opened(server) as other:
        for where in (a, b, c):
            await put(store, where)
        assert await has(other, a, b, c) == [True, True, True]
        await other.purge(Scope("model", "m1"))
        assert await has(store, a, b, c) == [False, True, True]
        await other.purge(Scope("key", "k2"))
        assert await has(store, a, b, c) == [False, True, False]
        await put(store, a)
        assert await has(other, a, b, c) == [True, True, False]
        await other.purge(Scope("all"))
        assert await has(store, a, b, c) == [False, False, False]


async def test_a_purge_by_key_reaches_what_all_keys_share(server: RedisServer) -> None:
    asked_by_a, asked_by_b = place("shared", "ka", "m", shared=True), place("shared", "kb", "m", shared=True)
    own = place("own", "kb")
    async with opened(server) as store, opened(server) as other:
        await put(store, asked_by_a)
        await put(store, own)
        assert await has(other, asked_by_a, asked_by_b, own) == [True, True, True]
        await other.purge(Scope("key", "ka"))
        assert await has(store, asked_by_a, asked_by_b, own) == [False, False, True]
        await put(store, asked_by_b)
        assert await has(other, asked_by_a, asked_by_b, own) == [True, True, True]
        await other.purge(Scope("model", "m"))
        assert await has(store, asked_by_a, asked_by_b) == [False, False]


async def test_an_answer_asked_for_before_a_purge_is_not_used(server: RedisServer) -> None:
    async with opened(server) as store, opened(server) as other:
        marks = (await store.get(place("late"))).marks
        await other.purge(Scope("model", "m"))
        store.put(place("late"), ENTRY, marks, 10)
        assert await has(store, place("late")) == [False]


async def test_a_purge_outlives_what_it_purges(server: RedisServer) -> None:
    async with opened(server) as store:
        await store.purge(Scope("key", "lives"))
        assert server.admin().pttl("hx:cache:purged:key:lives") > 86_400_000


async def test_what_is_no_answer_is_not_found(server: RedisServer) -> None:
    async with opened(server) as store:
        server.admin().set("hx:cache:answer:odd", b"\x00\xff")
        assert await has(store, place("odd")) == [False]


async def test_without_redis_nothing_is_found_nothing_kept_nothing_fails() -> None:
    with RedisServer() as server:
        async with opened(server) as store:
            await put(store, place("a"))
            assert await has(store, place("a")) == [True]
            server.admin().shutdown(nosave=True)
            await asyncio.sleep(0.1)
            found = await store.get(place("a"))
            assert tuple(found) == (None, [])
            store.put(place("a"), ENTRY, found.marks, 10)
            with pytest.raises(StoreUnavailableError):
                await store.purge(Scope("all"))
