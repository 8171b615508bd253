"""Counting and purging through the admin socket of a whole gateway."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from redis_server import RedisServer
from running import gateway
from wire import Client, ask, reply, request, say, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@asynccontextmanager
async def cached(
    path: Path, store: str, **more: Any
) -> AsyncIterator[tuple[Callable[[str, str], Awaitable[str | None]], Callable[..., Awaitable[tuple[int, Any]]]]]:
    """Yield what asks the gateway (model, key: what the cache did) and what asks its admin socket."""
    sections: dict[str, Any] = {
        "cache": {"enabled": True, "store": store, **more},
        "redis": {"enabled": store == "redis"},
    }
    answer = reply(200, b'{"data":[]}', ["Content-Type: application/json"])
    async with upstream(say(answer)) as server:
        async with gateway(server.url, admin={"socket": str(path)}, **sections) as running:

            async def embed(model: str, key: str) -> str | None:
                headers = [f"Authorization: Bearer {key}", "Content-Type: application/json"]
                body = orjson.dumps({"model": model, "input": "x"})
                return (await ask(running.port, request("/v1/embeddings", "POST", headers, body))).get("x-hx-cache")

            async def admin(method: str, target: str = "/cache") -> tuple[int, Any]:
                reader, writer = await asyncio.open_unix_connection(str(path))
                connection = Client(reader, writer)
                await connection.send(request(target, method))
                found = await connection.answer()
                writer.close()
                return found.status, orjson.loads(found.body)

            yield embed, admin


@pytest.mark.parametrize("store", ["memory", "redis"])
async def test_purges(store: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REDIS_URL", redis.url)
    redis.admin().flushall()
    digest = sha256(b"sk-2").hexdigest()
    asked = [("m", "sk-1"), ("a/b c", "sk-1"), ("m", "sk-2")]

    async with cached(tmp_path / "s", store) as (embed, admin):

        async def state() -> list[str | None]:
            return [await embed(model, key) for model, key in asked]

        assert await state() == ["miss", "miss", "miss"]
        assert await state() == ["hit", "hit", "hit"]
        assert await admin("DELETE", "/cache?model=a%2Fb%20c") == (
            200,
            {"purged": "model", "entries": 1 if store == "memory" else None},
        )
        assert await state() == ["hit", "miss", "hit"]
        assert (await admin("DELETE", f"/cache?key={digest}"))[0] == 200
        assert await state() == ["hit", "hit", "miss"]
        assert (await admin("DELETE", "/cache?all=1"))[0] == 200
        assert await state() == ["miss", "miss", "miss"]
        status, counts = await admin("GET")
        assert status == 200
        assert (counts["hit"], counts["miss"], counts["stored"]) == (7, 8, 8)
        assert counts.get("entries") == (3 if store == "memory" else None)


@pytest.mark.parametrize("store", ["memory", "redis"])
async def test_a_purge_by_key_of_what_all_keys_share(
    store: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REDIS_URL", redis.url)
    redis.admin().flushall()
    async with cached(tmp_path / "s", store, shared_models=["m"]) as (embed, admin):
        # the model is not listed for a key before it was answered once
        assert [await embed("m", key) for key in ("sk-1", "sk-2", "sk-1", "sk-2")] == ["miss", "miss", "hit", "hit"]
        await admin("DELETE", f"/cache?key={sha256(b'sk-1').hexdigest()}")
        assert [await embed("m", key) for key in ("sk-2", "sk-1", "sk-2", "sk-1")] == ["miss", "hit", "hit", "hit"]


@pytest.mark.parametrize(
    "query", ["", "?", "?all=0", "?all=1&model=m", "?model=", "?key=sk-1", "?key=" + "A" * 64, "?x=1", "?all=1&all=1"]
)
async def test_what_is_no_scope_purges_nothing(query: str, tmp_path: Path) -> None:
    async with cached(tmp_path / "s", "memory") as (embed, admin):
        await embed("m", "sk-1")
        status, document = await admin("DELETE", f"/cache{query}")
        assert status == 400
        assert "sk-1" not in document["error"]
        assert await embed("m", "sk-1") == "hit"


async def test_a_purge_that_redis_did_not_get_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        async with cached(tmp_path / "s", "redis") as (_, admin):
            server.kill()
            await asyncio.sleep(0.05)
            assert await admin("DELETE", "/cache?all=1") == (
                503,
                {"error": "the store does not answer; nothing was purged"},
            )
