"""The store in memory."""

from __future__ import annotations

from hx_gateway.cache.entry import Entry
from hx_gateway.cache.memory import OVERHEAD, MemoryStore
from hx_gateway.cache.store import Place, Scope


def entry(size: int = 1) -> Entry:
    return Entry(200, (), (b"x" * size,), False, 0)


def place(key: str, credential: str = "k", model: str = "m") -> Place:
    return Place(key, credential, model)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def put(store: MemoryStore, where: Place, what: Entry, seconds: float = 10) -> None:
    store.put(where, what, (await store.get(where)).marks, seconds)


async def has(store: MemoryStore, *keys: str) -> list[bool]:
    return [(await store.get(place(key))).entry is not None for key in keys]


async def test_what_is_put_is_found_until_its_time() -> None:
    clock = Clock()
    store = MemoryStore(1 << 20, clock)
    await put(store, place("a"), entry())
    clock.now = 9.9
    assert (await store.get(place("a"))).entry == entry()
    clock.now = 10
    assert await has(store, "a") == [False]
    assert store.counts() == {"entries": 0, "bytes": 0}


async def test_the_least_recently_used_is_given_up() -> None:
    store = MemoryStore(3 * (OVERHEAD + 200))
    for key in "abc":
        await put(store, place(key), entry(100))
    assert await has(store, "a") == [True]
    await put(store, place("d"), entry(100))
    assert await has(store, "a", "b", "c", "d") == [True, False, True, True]
    assert store.counts()["bytes"] <= 3 * (OVERHEAD + 200)


async def test_what_is_larger_than_everything_is_not_kept() -> None:
    store = MemoryStore(OVERHEAD + 200)
    await put(store, place("a"), entry(100))
    await put(store, place("b"), entry(300))
    assert await has(store, "a", "b") == [True, False]


async def test_what_is_put_again_takes_the_place() -> None:
    store = MemoryStore(1 << 20)
    await put(store, place("a"), entry(1))
    before = store.counts()["bytes"]
    await put(store, place("a"), entry(11))
    assert store.counts() == {"entries": 1, "bytes": before + 10}


async def test_purges() -> None:
    store = MemoryStore(1 << 20)
    await put(store, place("a", "k1", "m1"), entry())
    await put(store, place("b", "k1", "m2"), entry())
    await put(store, place("c", "k2", "m2"), entry())
    assert await store.purge(Scope("model", "m1")) == 1
    assert await has(store, "a", "b", "c") == [False, True, True]
    assert await store.purge(Scope("key", "k2")) == 1
    assert await has(store, "a", "b", "c") == [False, True, False]
    assert await store.purge(Scope("all")) == 1
    assert store.counts() == {"entries": 0, "bytes": 0}


async def test_a_purge_by_key_reaches_what_all_keys_share() -> None:
    store = MemoryStore(1 << 20)
    await put(store, Place("a", "k1", "m", shared=True), entry())
    await put(store, place("b", "k1"), entry())
    assert await store.purge(Scope("key", "k2")) == 1
    assert await has(store, "a", "b") == [False, True]


async def test_an_answer_asked_for_before_a_purge_is_not_kept() -> None:
    store = MemoryStore(1 << 20)
    marks = (await store.get(place("a"))).marks
    await store.purge(Scope("model", "m"))
    store.put(place("a"), entry(), marks, 10)
    assert await has(store, "a") == [False]
