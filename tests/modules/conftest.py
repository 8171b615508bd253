# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.support.litellm_extras import Extras, fetch_extras
from ansible_collections.hx.gateway.tests.modules.support.postgres import Database, PostgresServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def extras() -> Extras:
    """Give the migrations and the schema of the LiteLLM that the role installs."""
    return fetch_extras(ROOT / "roles/litellm/files/requirements.lock", ROOT / ".cache/litellm-proxy-extras")


@pytest.fixture(scope="session")
def postgres() -> t.Iterator[PostgresServer]:
    """Run a PostgreSQL server of our own on a free port."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer, extras: Extras) -> str:
    """Migrate one database completely, for others to be copied from."""
    database = postgres.create_database("template_migrated")
    database.migrate(extras.scripts)
    return database.name


_numbers = itertools.count(1)


@pytest.fixture
def empty_database(postgres: PostgresServer) -> Database:
    """Give a database without a table."""
    return postgres.create_database(f"empty_{next(_numbers)}")


@pytest.fixture
def migrated_database(postgres: PostgresServer, migrated_template: str) -> Database:
    """Give a completely migrated database."""
    return postgres.create_database(f"migrated_{next(_numbers)}", template=migrated_template)
