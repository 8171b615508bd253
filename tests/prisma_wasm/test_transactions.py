# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.hx.gateway.tests.modules.support.postgres import Database
from ansible_collections.hx.gateway.tests.prisma_wasm.conftest import url_of
from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import Answer, QueryEngine

BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
OPEN = f"{BUSY} AND xact_start IS NOT NULL"


def add(engine: QueryEngine, name: str, transaction: str | None = None) -> Answer:
    return engine.query(
        f'mutation {{ result: createOneItem(data: {{name: "{name}"}}) {{ name }} }}', transaction=transaction
    )


def find(engine: QueryEngine, name: str, transaction: str | None = None) -> object:
    return engine.query(
        f'query {{ result: findUniqueItem(where: {{name: "{name}"}}) {{ name }} }}', transaction=transaction
    ).result


def test_commit(engine: QueryEngine) -> None:
    transaction = engine.begin()
    assert add(engine, "committed", transaction).result
    assert find(engine, "committed") is None
    assert find(engine, "committed", transaction) is not None
    assert engine.finish("commit", transaction).status == 200
    assert find(engine, "committed") is not None


def test_rollback(engine: QueryEngine) -> None:
    transaction = engine.begin()
    add(engine, "rolled back", transaction)
    assert engine.raw(
        "SELECT count(*)::int AS n FROM \"Item\" WHERE name = 'rolled back'", transaction=transaction
    ).result
    assert engine.finish("rollback", transaction).status == 200
    assert find(engine, "rolled back") is None


def test_a_failed_statement_leaves_a_usable_connection(engine: QueryEngine) -> None:
    transaction = engine.begin()
    assert engine.raw("SELECT nonsense", transaction=transaction).error["error_code"] == "P2010"
    assert engine.raw("SELECT 1", transaction=transaction).error["meta"]["code"] == "25P02"
    assert engine.finish("rollback", transaction).status == 200
    assert [engine.value("SELECT 1") for _ in range(6)] == [("int", 1)] * 6


def test_a_transaction_that_takes_too_long(engine: QueryEngine, shared_database: Database) -> None:
    transaction = engine.begin(timeout=300)
    add(engine, "too late", transaction)
    time.sleep(0.6)
    error = add(engine, "later still", transaction).error
    assert error["error_code"] == "P2028"
    assert "Transaction already closed" in str(error)
    assert engine.finish("commit", transaction).status in {404, 422}
    assert find(engine, "too late") is None
    assert shared_database.execute(OPEN) == [(0,)]


def test_no_such_transaction(engine: QueryEngine) -> None:
    assert engine.finish("commit", "no-such-one").status == 404
    assert add(engine, "nowhere", "no-such-one").error["error_code"] == "P2028"
    assert find(engine, "nowhere") is None


def test_isolation(engine: QueryEngine) -> None:
    transaction = engine.begin(isolation_level="Serializable")
    level = engine.raw("SHOW transaction_isolation", transaction=transaction).result
    assert level == [{"transaction_isolation": {"prisma__type": "string", "prisma__value": "serializable"}}]
    engine.finish("rollback", transaction)


def test_too_many_transactions_wait_and_give_up(engine: QueryEngine) -> None:
    held = [engine.begin() for _ in range(4)]
    answer = engine.request("POST", "/transaction/start", {"max_wait": 300, "timeout": 5000})
    assert (answer.status, answer.body["error_code"]) == (504, "P2028")
    for transaction in held:
        engine.finish("rollback", transaction)
    assert find(engine, "nothing") is None
    engine.finish("rollback", engine.begin())


def test_many_transactions_of_several_engines(engines: Path, database: Database) -> None:
    database.execute('INSERT INTO "Owner" (email, notes) VALUES (%s, %s)', "counter", "{}")

    def increment(engine: QueryEngine) -> None:
        transaction = engine.begin(max_wait=20000, timeout=20000)
        engine.raw('UPDATE "Owner" SET id = id + 1', transaction=transaction, kind="executeRaw")
        assert engine.finish("commit", transaction).status == 200

    url = url_of(database, connection_limit=3)
    with QueryEngine(engines, url) as first, QueryEngine(engines, url) as second, ThreadPoolExecutor(8) as threads:
        list(threads.map(increment, [first, second] * 20))
        assert database.execute('SELECT id FROM "Owner"') == [(41,)]
