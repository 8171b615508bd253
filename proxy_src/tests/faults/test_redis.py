"""A Redis that is killed, stopped, full or read-only while requests go on: limits, cache and sessions are all in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from faults.stack import Load, Peer, everything, stack, until

from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TIMEOUT = 0.3
"""`redis.timeout` of the stack."""


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with Peer() as made:
        yield made


@contextmanager
def broken(redis: RedisServer, fault: str) -> Iterator[None]:
    """Break a server, and mend it."""
    admin = redis.admin()
    if fault == "killed":
        redis.kill()
        yield
        redis.start()
    elif fault == "paused":
        redis.pause()
        yield
        redis.resume()
    elif fault == "out of memory":
        admin.config_set("maxmemory-policy", "noeviction")
        admin.config_set("maxmemory", "1")
        yield
        admin.config_set("maxmemory", "0")
    else:
        admin.replicaof("127.0.0.1", "1")
        yield
        admin.replicaof("NO", "ONE")


FAULTS = ("killed", "paused", "out of memory", "read-only")


@pytest.mark.parametrize("fault", FAULTS)
async def test_requests_go_on_and_what_was_shared_is_shared_again(fault: str, peer: Peer, tmp_path: Path) -> None:
    with RedisServer() as redis:
        config = everything(peer.url, redis=True)
        if fault == "out of memory":
            # a script that has written something is let finish: with places to clear, counting goes on all the same
            config["rate_limits"]["limits"] = [
                one for one in config["rate_limits"]["limits"] if one["count"] != "concurrent"
            ]
        async with stack(tmp_path, config, REDIS_URL=redis.url) as gw:

            async def where(place: str) -> None:
                async def there() -> bool:
                    return await gw.limits() == place

                await until(there)

            async with Load(gw.port) as load:
                await load.answered(100)
                assert await gw.limits() == "redis"
                calm = load.slowest
                with broken(redis, fault):
                    await load.answered(100)
                    await where("memory")
                    before = len(load.answers)
                    load.slowest = 0
                    await load.answered(200)
                    # nobody waits for what is known to be away: the one that is tried again is no client's
                    assert load.slowest < max(TIMEOUT, calm * 3)
                    if fault in {"killed", "paused"}:
                        assert all(answer.get("x-hx-cache") == "miss" for answer in load.answers[before + 16 :])
                        assert await gw.metric("hx_gateway_redis_up") == 0
                        assert "redis_unavailable" in gw.events()
                await where("redis")
                await load.answered(100)
                await load.answered(100)
                assert "hit" in {answer.get("x-hx-cache") for answer in load.answers[-100:]}
            assert load.statuses() == {200}
            assert {answer.get("x-hx-session-id") for answer in load.answers} == {f"s{n}" for n in range(8)}
            assert redis.admin().hget(_session(redis), "r") is not None
            assert await gw.end() == 0
        assert (gw.events().count("limits_in_memory"), gw.events().count("limits_in_redis")) == (1, 1)
        assert "request_failed" not in gw.events()


def _session(redis: RedisServer) -> bytes:
    """Return the name of a session that is kept."""
    names: list[bytes] = redis.admin().keys("hx:session:*")
    return names[0]
