"""Where the cache keeps its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REDIS_URL", redis.url)
    redis.admin().flushall()
    return str(request.param)
