"""A PostgreSQL that is killed while requests go on: no request waits for it, and no record is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.stack import Load, Peer, everything, stack, until
from postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with PostgresServer() as made:
        yield made


async def test_killed_with_requests_going_on(database: PostgresServer, tmp_path: Path) -> None:
    with Peer() as peer:
        async with stack(tmp_path, everything(peer.url, usage=True), DATABASE_URL=database.url()) as gw:

            async def connected() -> bool:
                return await gw.metric("hx_gateway_usage_database_up") == 1

            async with Load(gw.port) as load:
                await until(connected)
                for _ in range(2):
                    await load.answered(200)
                    calm, load.slowest = load.slowest, 0
                    database.kill()
                    await load.answered(400)
                    assert load.slowest < max(0.3, 3 * calm)
                    assert await gw.metric("hx_gateway_usage_database_up") == 0
                    assert await gw.metric("hx_gateway_usage_queued") >= 300
                    database.start()
                    await until(connected)
            assert load.statuses() == {200}
            assert await gw.metric("hx_gateway_usage_dropped_total") == 0
            assert await gw.end() == 0
        assert gw.events().count("usage_database_away") == gw.events().count("usage_database_back") == 2
        assert "usage_lost" not in gw.events()
    ids = sorted(answer.get("x-request-id") or "" for answer in load.answers)
    assert sorted(name for (name,) in database.sql("SELECT request_id FROM hx_usage.requests")) == ids
