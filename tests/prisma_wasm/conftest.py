# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.support.postgres import PASSWORD, USER, Database, PostgresServer
from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import ROOT, QueryEngine, install

_numbers = itertools.count(1)


def url_of(database: Database, host: str = "127.0.0.1", **parameters: t.Any) -> str:
    """Write the URL of a database as DATABASE_URL holds it."""
    password = urllib.parse.quote(PASSWORD, safe="")
    query = urllib.parse.urlencode(parameters)
    return f"postgresql://{USER}:{password}@{host}:{database.port}/{database.name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder with both engines and their modules."""
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    return install(tmp_path_factory.mktemp("prisma") / "engines", cache)


@pytest.fixture(scope="session")
def postgres() -> t.Iterator[PostgresServer]:
    """Run a PostgreSQL server with TLS on a free port."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: PostgresServer) -> str:
    """Make a database with the tables of the schema, for others to be copied from."""
    database = postgres.create_database("wasm_template")
    database.execute(Path(__file__).with_name("support").joinpath("schema.sql").read_text(encoding="utf-8"))
    return database.name


@pytest.fixture
def database(postgres: PostgresServer, template: str) -> Database:
    """Give a database with empty tables."""
    return postgres.create_database(f"wasm_{next(_numbers)}", template=template)


@pytest.fixture
def bare_database(postgres: PostgresServer) -> Database:
    """Give a database without a table."""
    return postgres.create_database(f"wasm_{next(_numbers)}")


@pytest.fixture(scope="module")
def shared_database(postgres: PostgresServer, template: str) -> Database:
    """Give the tests of one file a database to share."""
    return postgres.create_database(f"wasm_{next(_numbers)}", template=template)


@pytest.fixture(scope="module")
def engine(engines: Path, shared_database: Database) -> t.Iterator[QueryEngine]:
    """Run one query engine for the tests of one file."""
    with QueryEngine(engines, url_of(shared_database, connection_limit=4)) as running:
        yield running
