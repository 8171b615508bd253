"""A wall clock that jumps an hour, forth and back, under a running gateway (libfaketime; the monotonic one goes on).

Redis' own clock is in tests/stores/test_limits_redis.py: its allocator does not bear libfaketime.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.stack import Load, Peer, chat, everything, stack

from limits import limit
from redis_server import RedisServer
from wire import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wire import Answer

HOUR = 3600


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with Peer() as made:
        yield made


class WallClock:
    """What a process that is started with `environment` takes for the time of day."""

    def __init__(self, folder: Path) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not libraries:
            raise RuntimeError("libfaketime is missing; install Debian's package libfaketime")
        self._file = folder / "clock"
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Put it `seconds` ahead of the time, or behind it."""
        beside = self._file.with_suffix(".next")
        beside.write_text(f"{seconds:+d}s\n", encoding="ascii")
        beside.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


def cached(answer: Answer) -> tuple[str | None, int]:
    return answer.get("x-hx-cache"), int(answer.get("Age") or -1)


@pytest.mark.parametrize("store", ["memory", "redis"])
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_limits_and_sessions_go_on_as_before(
    jump: int, store: str, clock: WallClock, peer: Peer, tmp_path: Path
) -> None:
    """Nothing is given back that was not waited for, nobody waits for an hour."""
    with RedisServer() as redis:
        config = everything(peer.url, redis=store == "redis")
        config["rate_limits"] = {"limits": [limit("few", amount=5, window=5)]}
        config["sessions"] |= {"ttl": 60, "max_requests": 100}
        async with stack(tmp_path, config, REDIS_URL=redis.url, **clock.environment) as gw:
            for number in range(5):
                assert (await ask(gw.port, chat("", "x-hx-session-id: s", text=str(number)))).status == 200
            clock.set(jump)
            refused = await ask(gw.port, chat())
            assert (refused.status, refused.get("Retry-After")) == (429, "1")
            await asyncio.sleep(1.2)  # one in a second
            assert (await ask(gw.port, chat("", "x-hx-session-id: s", text="more"))).status == 200
            clock.set(0)
            refused = await ask(gw.port, chat())
            assert (refused.status, refused.get("Retry-After")) == (429, "1")
            assert await gw.limits() == store
            if store == "redis":
                admin = redis.admin()
                assert b"6" in {admin.hget(name, "r") for name in admin.keys("hx:session:*")}
            assert await gw.end() == 0


@pytest.mark.parametrize("store", ["memory", "redis"])
async def test_ages_in_the_cache(store: str, clock: WallClock, peer: Peer, tmp_path: Path) -> None:
    """An hour ahead all that is kept is too old; an hour back nothing is younger than 0 seconds, or lives longer."""
    with RedisServer() as redis:
        config = everything(peer.url, redis=store == "redis", cache={"enabled": True, "store": store, "ttl": 3})
        async with stack(tmp_path, config, REDIS_URL=redis.url, **clock.environment) as gw:
            assert cached(await ask(gw.port, chat())) == ("miss", -1)
            assert cached(await ask(gw.port, chat())) == ("hit", 0)
            clock.set(HOUR)
            assert cached(await ask(gw.port, chat())) == ("miss", -1)
            assert cached(await ask(gw.port, chat())) == ("hit", 0)
            clock.set(0)
            assert cached(await ask(gw.port, chat())) == ("hit", 0)
            await asyncio.sleep(3.1)
            assert cached(await ask(gw.port, chat())) == ("miss", -1)
            assert await gw.end() == 0


async def test_the_log_says_when_it_was_and_durations_are_true(clock: WallClock, peer: Peer, tmp_path: Path) -> None:
    async with stack(tmp_path, everything(peer.url), **clock.environment) as gw:
        began = datetime.now(UTC)
        for jump in (0, HOUR, -HOUR):
            slow = asyncio.ensure_future(ask(gw.port, chat("drip", text=str(jump))))
            await asyncio.sleep(0.1)
            clock.set(jump)  # while a request is under way
            assert (await slow).status == 200
        await gw.ended("complete", 3)
        assert await gw.end() == 0
    passed = [(datetime.fromisoformat(line["time"]) - began).total_seconds() for line in gw.log[:3]]
    assert [round(seconds / HOUR) for seconds in passed] == [0, 1, -1]
    assert all(100 < line["duration_ms"] < 30_000 for line in gw.log[:3])


async def test_timeouts_and_keep_alive_are_not_cut_short(clock: WallClock, peer: Peer, tmp_path: Path) -> None:
    """Nothing that is under way ends by a jump, streams and idle connections included."""
    async with stack(tmp_path, everything(peer.url), **clock.environment) as gw:
        async with Load(gw.port, clients=4) as load:
            for jump in (HOUR, 0, -HOUR, 0):
                await load.answered(40)
                clock.set(jump)
            await load.answered(40)
        assert load.statuses() == {200}
        assert {line["ended"] for line in gw.log} == {"complete"}
        assert await gw.end() == 0
