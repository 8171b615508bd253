"""The table on a real server: made once by many, extended ahead, shortened by age, LiteLLM's tables untouched."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from hx_gateway.outcome import Usage
from hx_gateway.usage.address import DatabaseAddress
from hx_gateway.usage.months import Month
from hx_gateway.usage.rows import COLUMNS
from hx_gateway.usage.table import UsageTable, WrongSchemaError
from postgres_server import DATABASE, USER, PostgresServer
from usage_record import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SCHEMA = "hx_usage"


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresServer]:
    with PostgresServer() as made:
        yield made


@pytest.fixture
def server(cluster: PostgresServer) -> PostgresServer:
    return cluster.reset()


@asynccontextmanager
async def connected(server: PostgresServer) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await DatabaseAddress({"DATABASE_URL": server.url()}).connect(10)
    try:
        yield connection
    finally:
        await connection.close()


def partitions(server: PostgresServer) -> list[str]:
    rows = server.sql(f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}' ORDER BY 1")
    return [name for (name,) in rows if name != "requests"]


def ahead(first: int = 0, last: int = 2) -> list[str]:
    this = Month.of(datetime.now(UTC))
    return [this.plus(number).partition for number in range(first, last + 1)]


async def test_many_make_it_at_once(server: PostgresServer) -> None:
    async def one() -> None:
        async with connected(server) as connection:
            table = UsageTable(SCHEMA, 12)
            await table.maintain(connection)
            await table.write(connection, [record()])

    await asyncio.gather(*[one() for _ in range(8)])
    assert partitions(server) == ahead()
    assert server.sql(f"SELECT count(*) FROM {SCHEMA}.requests") == [["8"]]


async def test_a_row_holds_all_of_a_record(server: PostgresServer) -> None:
    full = record(
        7,
        ended_at=1_800_000_000.75,
        duration=0.5,
        trace_id="t",
        key="k" * 64,
        target="/v1/files/f1?x=1",
        model="a\0b" + "x" * 500,
        usage=Usage(2**64 - 1, 3, estimated=True),
        cost=0.25,
        first_token_after=0.125,
        cache="miss",
        limit="per-key",
        upstream="127.0.0.1:4000",
    )
    async with connected(server) as connection:
        table = UsageTable(SCHEMA, 12)
        await table.write(connection, [full])
        found = await connection.fetchrow(f"SELECT * FROM {SCHEMA}.requests")
    assert list(found.keys()) == [name for name, _ in COLUMNS]
    values = dict(found)
    assert values.pop("model") == "ab" + "x" * 253
    assert values == {
        "time": datetime(2027, 1, 15, 8, 0, 0, 250_000, UTC),
        "request_id": "req-7",
        "call_id": "call-7",
        "trace_id": "t",
        "key_hash": "k" * 64,
        "method": "POST",
        "route": "/v1/files/...",
        "status": 200,
        "ended": "complete",
        "prompt_tokens": 2**63 - 1,
        "completion_tokens": 3,
        "estimated": True,
        "cost": 0.25,
        "duration": 0.5,
        "first_token_after": 0.125,
        "cache": "miss",
        "limited_by": "per-key",
        "upstream": "127.0.0.1:4000",
    }
    # it lies in the partition of the month it began in, which was made for it
    assert server.sql(f"SELECT count(*) FROM {SCHEMA}.requests_2027_01") == [["1"]]


async def test_old_partitions_are_dropped_whole_and_nothing_else(server: PostgresServer) -> None:
    async with connected(server) as connection:
        table = UsageTable(SCHEMA, 2)
        this = Month.of(datetime.now(UTC))
        await table.maintain(connection, {this.plus(-number) for number in (1, 2, 3, 4, 25)})
        server.sql(f"CREATE TABLE {SCHEMA}.requests_1999_01 (x int)", user=USER)  # an operator's own, no partition
        await table.maintain(connection)
        assert table.partitions_dropped == 3
    assert partitions(server) == ["requests_1999_01", *ahead(-2)]


async def test_no_retention_keeps_all(server: PostgresServer) -> None:
    async with connected(server) as connection:
        table = UsageTable(SCHEMA, 0)
        await table.maintain(connection, {Month(2001, 1)})
        await table.maintain(connection)
    assert partitions(server) == ["requests_2001_01", *ahead()]


async def test_a_partition_that_somebody_dropped_is_made_again(server: PostgresServer) -> None:
    this = Month.of(datetime.now(UTC))
    async with connected(server) as connection:
        table = UsageTable(SCHEMA, 12)
        await table.maintain(connection)
        server.sql(f"DROP TABLE {SCHEMA}.{this.partition}")
        await table.write(connection, [record(duration=0.0)])
    assert server.sql(f"SELECT count(*) FROM {SCHEMA}.{this.partition}") == [["1"]]


async def test_what_is_in_public_stays_there(server: PostgresServer) -> None:
    """Prisma's tables are in public; neither their list nor where new ones go may change."""
    server.sql('CREATE TABLE "LiteLLM_SpendLogs" (request_id text)', user=USER)
    before = server.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    async with connected(server) as connection:
        await UsageTable(SCHEMA, 12).maintain(connection)
        await connection.execute("CREATE TABLE unqualified (x int)")
    after = server.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
    assert after == sorted([*before, ["unqualified"]])


async def test_the_login_roles_name_is_no_schema(server: PostgresServer) -> None:
    async with connected(server) as connection:
        with pytest.raises(WrongSchemaError):
            await UsageTable(USER, 12).maintain(connection)
    assert server.sql(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{USER}'") == [["0"]]


async def test_a_schema_made_by_an_administrator_will_do(server: PostgresServer) -> None:
    server.sql(f"ALTER DATABASE {DATABASE} OWNER TO postgres; GRANT CONNECT ON DATABASE {DATABASE} TO {USER}")
    async with connected(server) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await UsageTable(SCHEMA, 12).maintain(connection)
        server.sql(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {USER}")
        await UsageTable(SCHEMA, 12).maintain(connection)
    assert partitions(server) == ahead()


async def test_age_is_what_the_server_says(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(server) as connection:
        table = UsageTable(SCHEMA, 1)
        await table.maintain(connection)
        # a gateway whose clock is ten years ahead writes to its own month, and drops nothing
        await table.write(connection, [record(duration=0.0, ended_at=2_100_000_000.0)])
        await table.maintain(connection)
    assert partitions(server) == [*ahead(), "requests_2036_07"]
