# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prisma's own command line drives the schema engine, as it does for LiteLLM."""

from __future__ import annotations

import json
import subprocess
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.support.postgres import PASSWORD, USER, Database, free_port
from ansible_collections.hx.gateway.tests.prisma_wasm.conftest import url_of
from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import SCHEMA, environment, node_path

FIRST = 'CREATE TABLE "Owner" ("id" SERIAL PRIMARY KEY, "email" TEXT NOT NULL);'
# A semicolon inside a function and inside a text ends no statement.
SECOND = """
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN n := n * 2; RETURN n; END; $$;
INSERT INTO "Owner" ("email") VALUES ('a;b');
"""


class Project:
    """A folder with a schema and migrations, and the command line run in it."""

    def __init__(self, folder: Path, engines: Path, url: str) -> None:
        self.folder = folder
        self.engines = engines
        self.url = url
        (folder / "schema.prisma").write_text(SCHEMA.read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "migrations").mkdir()
        (folder / "migrations/migration_lock.toml").write_text('provider = "postgresql"\n', encoding="utf-8")

    def add(self, name: str, script: str) -> None:
        """Add a migration."""
        (self.folder / "migrations" / name).mkdir()
        (self.folder / "migrations" / name / "migration.sql").write_text(script, encoding="utf-8")

    def prisma(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        given = environment(
            self.url,
            PRISMA_SCHEMA_ENGINE_BINARY=str(self.engines / "schema-engine"),
            PRISMA_QUERY_ENGINE_BINARY=str(self.engines / "query-engine"),
            PRISMA_CLI_QUERY_ENGINE_TYPE="binary",
            PRISMA_HIDE_UPDATE_MESSAGE="true",
            CHECKPOINT_DISABLE="1",
            HOME=str(self.folder),
            **environ,
        )
        command = [node_path(), str(self.engines / "node_modules/prisma/build/index.js"), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=given, capture_output=True, text=True, timeout=60, check=False
        )

    def deploy(self) -> subprocess.CompletedProcess[str]:
        """Apply the migrations."""
        return self.prisma("migrate", "deploy")


@pytest.fixture
def project(tmp_path: Path, engines: Path, bare_database: Database) -> Project:
    """Give a project with two migrations and a database without a table."""
    made = Project(tmp_path, engines, url_of(bare_database))
    made.add("20260101000000_first", FIRST)
    made.add("20260102000000_second", SECOND)
    return made


def ledger(database: Database) -> list[tuple[t.Any, ...]]:
    return database.execute(
        "SELECT migration_name, finished_at IS NOT NULL, rolled_back_at IS NOT NULL, applied_steps_count"
        ' FROM "_prisma_migrations" ORDER BY started_at'
    )


def test_deploy_and_deploy_again(project: Project, bare_database: Database) -> None:
    outcome = project.deploy()
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "All migrations have been successfully applied." in outcome.stdout
    assert ledger(bare_database) == [
        ("20260101000000_first", True, False, 1),
        ("20260102000000_second", True, False, 1),
    ]
    assert bare_database.execute('SELECT email, twice(21) FROM "Owner"') == [("a;b", 42)]
    project.add("20260103000000_third", 'ALTER TABLE "Owner" ADD COLUMN "notes" JSONB;')
    assert "20260103000000_third" in project.deploy().stdout
    again = project.deploy()
    assert "No pending migrations to apply" in again.stdout
    assert "Database schema is up to date!" in project.prisma("migrate", "status").stdout


def test_a_migration_that_fails(project: Project, bare_database: Database) -> None:
    project.add("20260103000000_broken", 'ALTER TABLE "Nothing" ADD COLUMN "a" INT;')
    outcome = project.deploy()
    assert outcome.returncode == 1
    # LiteLLM reads the code and the name out of these words.
    assert "P3018" in outcome.stderr
    assert "Migration name: 20260103000000_broken" in outcome.stderr
    assert 'relation "Nothing" does not exist' in outcome.stderr
    assert ledger(bare_database)[-1] == ("20260103000000_broken", False, False, 0)

    blocked = project.deploy()
    assert "P3009" in blocked.stderr
    assert "`20260103000000_broken` migration" in blocked.stderr

    resolved = project.prisma("migrate", "resolve", "--rolled-back", "20260103000000_broken")
    assert resolved.returncode == 0, resolved.stderr
    resolved = project.prisma("migrate", "resolve", "--applied", "20260103000000_broken")
    assert resolved.returncode == 0, resolved.stderr
    assert "No pending migrations to apply" in project.deploy().stdout


def test_a_database_that_is_not_empty(project: Project, bare_database: Database) -> None:
    bare_database.execute("CREATE TABLE stranger (id int)")
    outcome = project.deploy()
    assert outcome.returncode == 1
    assert "P3005" in outcome.stderr
    assert "database schema is not empty" in outcome.stderr


def test_two_at_once(project: Project, bare_database: Database) -> None:
    project.add("20260103000000_slow", "SELECT pg_sleep(1);")
    command = ["migrate", "deploy"]
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(lambda _number: project.prisma(*command), range(2)))
    assert [outcome.returncode for outcome in outcomes] == [0, 0], [outcome.stderr for outcome in outcomes]
    assert len(ledger(bare_database)) == 3


def test_diff_and_push(project: Project, bare_database: Database) -> None:
    project.deploy()
    diff = project.prisma(
        *("migrate", "diff", "--from-url", project.url, "--to-schema-datamodel", "schema.prisma", "--script")
    )
    assert diff.returncode == 0, diff.stderr
    assert 'CREATE TABLE "Item"' in diff.stdout
    pushed = project.prisma("db", "push", "--accept-data-loss", "--skip-generate")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    diff = project.prisma(
        *("migrate", "diff", "--from-schema-datasource", "schema.prisma", "--to-schema-datamodel", "schema.prisma"),
        "--exit-code",
    )
    assert diff.returncode == 0, diff.stdout
    baseline = project.prisma("migrate", "diff", "--from-empty", "--to-url", project.url, "--script")
    assert 'CREATE TABLE "public"."Item"' in baseline.stdout, baseline.stderr
    (project.folder / "more.sql").write_text("CREATE TABLE more (id int);", encoding="utf-8")
    executed = project.prisma("db", "execute", "--file", "more.sql", "--schema", "schema.prisma")
    assert executed.returncode == 0, executed.stderr
    assert bare_database.execute("SELECT count(*) FROM more") == [(0,)]


def test_a_database_that_is_made_first(project: Project, postgres: t.Any, bare_database: Database) -> None:
    postgres._admin(f"ALTER ROLE {USER} CREATEDB")
    try:
        project.url = url_of(Database(f"{bare_database.name}_new", bare_database.port))
        outcome = project.deploy()
    finally:
        postgres._admin(f"ALTER ROLE {USER} NOCREATEDB")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert Database(f"{bare_database.name}_new", bare_database.port).execute('SELECT count(*) FROM "Owner"') == [(1,)]


def test_failures_to_connect(project: Project, bare_database: Database) -> None:
    project.url = url_of(Database(bare_database.name, free_port()))
    outcome = project.deploy()
    assert outcome.returncode == 1
    assert "P1001" in outcome.stderr
    project.url = f"postgresql://{USER}:wrong%2Fpassword@127.0.0.1:{bare_database.port}/{bare_database.name}"
    outcome = project.deploy()
    assert "P1000" in outcome.stderr
    assert "wrong" not in outcome.stdout + outcome.stderr


def test_a_password_that_no_argument_holds(project: Project, bare_database: Database) -> None:
    project.url = f"postgresql://{USER}@127.0.0.1:{bare_database.port}/{bare_database.name}"
    assert "P1000" in project.prisma("migrate", "deploy", PGPASSWORD="wrong").stderr
    outcome = project.prisma("migrate", "deploy", PGPASSWORD=PASSWORD)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(("host", "outcome"), [("127.0.0.1", 0), ("localhost", 1)])
def test_tls(project: Project, postgres: t.Any, bare_database: Database, host: str, outcome: int) -> None:
    project.url = url_of(bare_database, host=host, sslmode="verify-full", sslrootcert=postgres.certificate)
    deployed = project.deploy()
    assert deployed.returncode == outcome, deployed.stderr
    assert ("P1011" in deployed.stderr) == bool(outcome)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["cli", "--datasource", "postgresql://u:hidden@h/d", "dance"], "usage: schema-engine cli"),
        (["cli", "can-connect-to-database"], "usage: schema-engine cli"),
        (["postgresql://u:hidden@h/d"], "argument 1 is not known"),
    ],
)
def test_arguments_are_read_strictly(engines: Path, arguments: list[str], problem: str) -> None:
    outcome = subprocess.run(
        [engines / "schema-engine", *arguments],
        env=environment(""),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert outcome.returncode == 1
    line = json.loads(outcome.stderr)
    assert (line["level"], line["target"]) == ("ERROR", "schema_engine::logger")
    assert problem in line["fields"]["message"]
    assert "hidden" not in outcome.stderr


def test_the_protocol(engines: Path) -> None:
    calls = ["no json", json.dumps({"jsonrpc": "2.0", "id": 7, "method": "dance", "params": {}})]
    outcome = subprocess.run(
        [engines / "schema-engine"],
        input="\n".join([*calls, ""]),
        env=environment(""),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    answers = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(None, -32700), (7, -32601)]
