# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.support.postgres import (
    PASSWORD,
    USER,
    Database,
    PostgresServer,
    free_port,
)
from ansible_collections.hx.gateway.tests.prisma_wasm.conftest import url_of
from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import QueryEngine
from ansible_collections.hx.gateway.tests.prisma_wasm.support.plain import PlainServer

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def most_connections(database: Database, engines: list[QueryEngine], count: int) -> int:
    """Let the engines run many queries at once and return how many connections they had at most."""
    with ThreadPoolExecutor(count) as threads:
        answers = [
            threads.submit(engines[number % len(engines)].raw, "SELECT pg_sleep(0.3)") for number in range(count)
        ]
        most = 0
        while not all(answer.done() for answer in answers):
            most = max(most, database.execute(CONNECTIONS)[0][0])
        assert all(answer.result().result for answer in answers)
    return most


def test_the_pool_is_no_larger_than_allowed(engines: Path, database: Database) -> None:
    with QueryEngine(engines, url_of(database, connection_limit=2)) as engine:
        assert most_connections(database, [engine], 8) == 2


def test_several_engines_have_pools_of_their_own(engines: Path, database: Database) -> None:
    url = url_of(database, connection_limit=2)
    with QueryEngine(engines, url) as first, QueryEngine(engines, url) as second:
        assert most_connections(database, [first, second], 12) == 4


def test_waiting_for_a_connection_ends(engines: Path, database: Database) -> None:
    with QueryEngine(engines, url_of(database, connection_limit=1, pool_timeout=1)) as engine:
        transaction = engine.begin()
        error = engine.raw("SELECT 1").error
        assert (error["error_code"], error["meta"]) == ("P2024", {"connection_limit": 1, "timeout": 1})
        engine.finish("rollback", transaction)
        assert engine.value("SELECT 1") == ("int", 1)


def test_a_restart_of_the_database(engines: Path, postgres: PostgresServer, database: Database) -> None:
    with QueryEngine(engines, url_of(database, connection_limit=3)) as engine:
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(engine.raw, ["SELECT pg_sleep(0.2)"] * 3))
        transaction = engine.begin()
        engine.raw("SELECT 1", transaction=transaction)
        postgres.stop()
        try:
            error = engine.raw("SELECT 1").error
            assert error["error_code"] == "P1001"
            assert error["message"].startswith(f"Can't reach database server at `127.0.0.1`:`{database.port}`")
            assert engine.raw("SELECT 1", transaction=transaction).body["errors"]
        finally:
            postgres.start()
        assert [engine.value("SELECT 1") for _ in range(5)] == [("int", 1)] * 5
        engine.finish("rollback", transaction)
        again = engine.begin()
        assert engine.raw("SELECT 1", transaction=again).result
        engine.finish("commit", again)
        assert engine.process.poll() is None
        assert database.execute(CONNECTIONS)[0][0] <= 3


def test_connections_that_the_server_ends(engines: Path, database: Database) -> None:
    with QueryEngine(engines, url_of(database, connection_limit=1)) as engine:
        kind, process = engine.value("SELECT pg_backend_pid()")
        assert kind == "int"
        transaction = engine.begin()
        engine.raw("SELECT 1", transaction=transaction)
        database.execute("SELECT pg_terminate_backend(%s)", process)
        time.sleep(0.1)
        assert engine.raw("SELECT 1", transaction=transaction).error["error_code"] == "P1001"
        engine.finish("rollback", transaction)
        assert engine.value("SELECT 1") == ("int", 1)


def test_a_server_that_is_not_there(engines: Path, database: Database) -> None:
    elsewhere = Database(database.name, free_port())
    with QueryEngine(engines, url_of(elsewhere)) as engine:
        assert engine.raw("SELECT 1").error["error_code"] == "P1001"
    with QueryEngine(engines, url_of(database, host="no-such-host.invalid")) as engine:
        assert engine.raw("SELECT 1").error["error_code"] == "P1001"


def test_refusals_of_the_server(engines: Path, database: Database) -> None:
    with QueryEngine(engines, url_of(Database("no_such_database", database.port))) as engine:
        assert engine.raw("SELECT 1").error["error_code"] == "P1003"
    with QueryEngine(
        engines, f"postgresql://{USER}:wrong%20password@127.0.0.1:{database.port}/{database.name}"
    ) as engine:
        error = engine.raw("SELECT 1").error
        assert error["error_code"] == "P1000"
        assert "wrong password" not in engine.logged + error["message"]


def test_a_password_from_the_environment(engines: Path, database: Database) -> None:
    url = f"postgresql://{USER}@127.0.0.1:{database.port}/{database.name}"
    with QueryEngine(engines, url, PGPASSWORD="wrong") as engine:
        assert engine.raw("SELECT 1").error["error_code"] == "P1000"
    with QueryEngine(engines, url, PGPASSWORD=PASSWORD) as engine:
        assert engine.value("SELECT 1") == ("int", 1)


def test_a_schema_of_its_own(engines: Path, database: Database) -> None:
    database.execute('CREATE SCHEMA "Own Schema"')
    database.execute('CREATE TABLE "Own Schema".here (answer int)')
    with QueryEngine(engines, url_of(database, schema="Own Schema", options="-c statement_timeout=12345ms")) as engine:
        assert engine.value("SELECT to_regclass('here') IS NOT NULL") == ("bool", True)
        assert engine.value("SHOW statement_timeout") == ("string", "12345ms")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate that has nothing to do with the server's."""
    folder = tmp_path_factory.mktemp("stranger")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
            ),
            *(
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-out",
                "ca.crt",
                "-keyout",
                "ca.key",
            ),
        ],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return folder / "ca.crt"


@pytest.mark.parametrize(
    ("host", "parameters", "outcome"),
    [
        ("127.0.0.1", {"sslmode": "disable"}, False),
        ("127.0.0.1", {}, True),
        ("127.0.0.1", {"sslmode": "prefer"}, True),
        ("localhost", {"sslmode": "require"}, True),
        ("127.0.0.1", {"sslmode": "require", "sslrootcert": "wrong"}, "P1011"),
        ("localhost", {"sslmode": "verify-ca", "sslrootcert": "right"}, True),
        ("127.0.0.1", {"sslmode": "verify-ca", "sslrootcert": "wrong"}, "P1011"),
        ("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "right"}, True),
        ("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "wrong"}, "P1011"),
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "right"}, "P1011"),
        ("127.0.0.1", {"sslmode": "verify-full"}, "P1011"),
        # Prisma's own words, in which LiteLLM hands them over.
        ("127.0.0.1", {"sslmode": "require", "sslcert": "right", "sslaccept": "strict"}, True),
        ("localhost", {"sslmode": "require", "sslcert": "right", "sslaccept": "strict"}, "P1011"),
        ("127.0.0.1", {"sslmode": "require", "sslcert": "wrong", "sslaccept": "strict"}, "P1011"),
        ("127.0.0.1", {"sslmode": "require", "sslcert": "wrong", "sslaccept": "accept_invalid_certs"}, True),
        ("127.0.0.1", {"sslmode": "prefer", "sslcert": "wrong", "sslaccept": "strict"}, "P1011"),
    ],
)
def test_tls(
    *,
    engines: Path,
    postgres: PostgresServer,
    database: Database,
    stranger: Path,
    tmp_path: Path,
    host: str,
    parameters: dict[str, str],
    outcome: bool | str,
) -> None:
    right = tmp_path / "right ca.crt"
    right.write_bytes(postgres.certificate.read_bytes())
    files: dict[str, t.Any] = {"right": right, "wrong": stranger}
    given = {name: files.get(value, value) for name, value in parameters.items()}
    with QueryEngine(engines, url_of(database, host=host, **given)) as engine:
        answer = engine.raw(ENCRYPTED)
        if isinstance(outcome, bool):
            assert answer.result == [{"ssl": {"prisma__type": "bool", "prisma__value": outcome}}]
        else:
            assert answer.error["error_code"] == outcome
            assert "TLS" in answer.error["message"]


def test_a_server_without_tls(engines: Path, database: Database) -> None:
    with PlainServer(database.port) as port:
        plain = Database(database.name, port)
        with QueryEngine(engines, url_of(plain, connection_limit=4)) as engine, ThreadPoolExecutor(4) as threads:
            assert all(answer.result for answer in threads.map(engine.raw, ["SELECT pg_sleep(0.1)"] * 8))
        with QueryEngine(engines, url_of(plain, sslmode="require")) as engine:
            assert engine.raw("SELECT 1").error["error_code"] == "P1011"
