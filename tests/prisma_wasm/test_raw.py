# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.support.postgres import Database
from ansible_collections.hx.gateway.tests.prisma_wasm.conftest import url_of
from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import QueryEngine

VALUES = {
    "SELECT 1": ("int", 1),
    "SELECT 1::int2": ("int", 1),
    "SELECT 9007199254740993": ("bigint", "9007199254740993"),
    "SELECT 1::oid": ("bigint", "1"),
    "SELECT true": ("bool", True),
    "SELECT 0.5::float8": ("double", 0.5),
    "SELECT 0.5::float4": ("float", 0.5),
    "SELECT 1.50::numeric": ("decimal", "1.5"),
    "SELECT 'x'::text": ("string", "x"),
    "SELECT 'ab '::char(3)": ("string", "ab "),
    "SELECT 'x'::name": ("string", "x"),
    "SELECT NULL::text": ("null", None),
    "SELECT 'null'::json": ("null", None),
    "SELECT '{\"a\": [1]}'::jsonb": ("json", {"a": [1]}),
    "SELECT '6f1a34f3-5f2c-4a3e-9b39-64b7a0f5a3f1'::uuid": ("uuid", "6f1a34f3-5f2c-4a3e-9b39-64b7a0f5a3f1"),
    "SELECT '2026-01-31'::date": ("date", "2026-01-31"),
    "SELECT '12:34:56'::time": ("time", "12:34:56"),
    "SELECT '12:34:56+02'::timetz": ("time", "12:34:56"),
    "SELECT '2026-01-31 12:34:56.789'::timestamp": ("datetime", "2026-01-31T12:34:56.789+00:00"),
    "SELECT '2026-01-31 12:34:56.789+02'::timestamptz": ("datetime", "2026-01-31T10:34:56.789+00:00"),
    "SELECT '1890-01-01 00:00:00+00'::timestamptz": ("datetime", "1890-01-01T00:00:00+00:00"),
    "SELECT '\\x00ff'::bytea": ("bytes", "AP8="),
    "SELECT '10.0.0.0/8'::cidr": ("string", "10.0.0.0/8"),
    # Of these the adapter that Prisma publishes knows nothing.
    "SELECT pg_sleep(0)": ("null", None),
    "SELECT 'pg_class'::regclass": ("string", "pg_class"),
    "SELECT '1 day 02:00'::interval": ("string", "1 day 02:00:00"),
    "SELECT '(1,2)'::point": ("string", "(1,2)"),
    "SELECT '[1,3)'::int4range": ("string", "[1,3)"),
    "SELECT to_tsvector('simple', 'a b')": ("string", "'a':1 'b':2"),
    "SELECT '08:00:2b:01:02:03'::macaddr": ("string", "08:00:2b:01:02:03"),
    "SELECT 'SMALL'::\"Kind\"": ("string", "SMALL"),
}
ARRAYS: dict[str, tuple[str, list[t.Any]]] = {
    "SELECT ARRAY[1, NULL, 3]": ("int", [1, None, 3]),
    "SELECT ARRAY['a', 'b,\"c']": ("string", ["a", 'b,"c']),
    "SELECT ARRAY['x'::name]": ("string", ["x"]),
    "SELECT ARRAY[true, false]": ("bool", [True, False]),
    "SELECT ARRAY[1.5::float8]": ("double", [1.5]),
    "SELECT ARRAY[9007199254740993]": ("bigint", ["9007199254740993"]),
    "SELECT ARRAY['2026-01-31 12:00+02'::timestamptz]": ("datetime", ["2026-01-31T10:00:00+00:00"]),
    "SELECT ARRAY[]::text[]": ("string", []),
}


@pytest.mark.parametrize("sql", VALUES)
def test_values(engine: QueryEngine, sql: str) -> None:
    assert engine.value(sql) == VALUES[sql]


@pytest.mark.parametrize("sql", ARRAYS)
def test_arrays(engine: QueryEngine, sql: str) -> None:
    kind, items = ARRAYS[sql]
    expected = [{"prisma__type": kind if item is not None else "null", "prisma__value": item} for item in items]
    assert engine.value(sql) == ("array", expected)


def test_parameters(engine: QueryEngine) -> None:
    assert engine.value("SELECT $1::int + $2::int", 40, 2) == ("int", 42)
    assert engine.value("SELECT $1::text", '\'; DROP TABLE "Item"; --') == ("string", '\'; DROP TABLE "Item"; --')
    assert engine.value("SELECT $1 = ANY($2)", "b", ["a", "b"]) == ("bool", True)
    assert engine.value("SELECT $1::jsonb->>'a'", '{"a": "b"}') == ("string", "b")
    assert engine.value("SELECT ($1::timestamptz)::text", "2026-01-31T12:00:00+02:00") == (
        "string",
        "2026-01-31 10:00:00+00",
    )
    assert engine.value("SELECT $1::text IS NULL", None) == ("bool", True)


def test_rows_without_a_result(engine: QueryEngine) -> None:
    assert engine.raw("SELECT 1 AS a WHERE false").result == []
    assert engine.raw('UPDATE "Item" SET count = 1 WHERE false', kind="executeRaw").result == 0
    assert engine.raw('INSERT INTO "Owner" (email) VALUES ($1), ($2)', "x", "y", kind="executeRaw").result == 2


def test_errors_of_sql(engine: QueryEngine) -> None:
    error = engine.raw("SELECT nonsense").error
    assert (error["error_code"], error["meta"]["code"]) == ("P2010", "42703")
    assert 'column "nonsense" does not exist' in error["meta"]["message"]
    assert engine.raw("SELECT 1/0").error["meta"]["code"] == "22012"
    assert engine.value("SELECT 'the engine goes on'") == ("string", "the engine goes on")


def test_the_table_that_later_clients_want(engines: Path, database: Database) -> None:
    with QueryEngine(engines, url_of(database), PRISMA_WASM_RAW_ROWS="table") as engine:
        answer = engine.raw("SELECT 1 AS a, ARRAY['x'] AS b UNION ALL SELECT NULL, NULL").result
    assert answer == {"columns": ["a", "b"], "types": ["int", "string-array"], "rows": [[1, ["x"]], [None, None]]}


def test_a_session_of_its_own_zone(engines: Path, database: Database) -> None:
    # With pgbouncer=true no session settings travel with the start, so the server's zone is in force.
    database.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {database.name} SET TimeZone TO 'Asia/Kathmandu'")
    with QueryEngine(engines, url_of(database, pgbouncer="true")) as engine:
        assert engine.value("SHOW TimeZone") == ("string", "Asia/Kathmandu")
        assert engine.value("SELECT '2026-01-31 23:59:59.123456+00'::timestamptz") == (
            "datetime",
            "2026-01-31T23:59:59.123456+00:00",
        )
    with QueryEngine(engines, url_of(database)) as engine:
        assert engine.value("SHOW TimeZone") == ("string", "UTC")
