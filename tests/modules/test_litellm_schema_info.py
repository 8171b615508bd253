# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from ansible_collections.hx.gateway.plugins.modules import litellm_schema_info
from ansible_collections.hx.gateway.tests.modules.support.litellm_extras import Extras
from ansible_collections.hx.gateway.tests.modules.support.postgres import (
    PASSWORD,
    USER,
    Database,
    PostgresServer,
    free_port,
)
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

# What every way to write the password has in common.
SECRET = PASSWORD.split()[0]


def url(database: Database, query: str = "") -> str:
    return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{database.port}/{database.name}{query}"


def ask(extras: Extras, database: Database | None = None, **arguments: t.Any) -> Outcome:
    """Run the module; whatever it answers, it must not show the password."""
    if database:
        arguments["database_url"] = url(database)
    arguments.setdefault("migrations_dir", str(extras.migrations))
    arguments.setdefault("schema_file", str(extras.schema))
    outcome = run_module(litellm_schema_info.main, **arguments)
    assert SECRET not in outcome.text
    return outcome


def test_a_migrated_database_is_ready(extras: Extras, migrated_database: Database) -> None:
    outcome = ask(extras, migrated_database)
    assert (outcome["ready"], outcome["reachable"], outcome["reason"]) == (True, True, "")
    assert outcome["applied"] == sorted(extras.scripts)
    for name in ("pending", "failed_migrations", "unknown", "modified", "missing_tables", "missing_columns"):
        assert outcome[name] == [], name
    assert int(outcome["server_version"].split(".")[0]) >= 12
    assert outcome.names == documented_names(litellm_schema_info)
    assert (outcome["changed"], outcome["ledger"], outcome["migrating"]) == (False, True, False)


def test_an_empty_database_is_reachable_and_wants_everything(extras: Extras, empty_database: Database) -> None:
    outcome = ask(extras, empty_database)
    assert (outcome["ready"], outcome["reachable"], outcome["ledger"]) == (False, True, False)
    assert outcome["pending"] == sorted(extras.scripts)
    assert "LiteLLM_VerificationToken" in outcome["missing_tables"]
    assert (
        outcome["reason"] == f"the schema public holds no ledger of migrations; all {len(extras.scripts)} are pending"
    )


def test_a_half_migrated_database_names_what_is_pending(extras: Extras, empty_database: Database) -> None:
    names = sorted(extras.scripts)
    half = len(names) // 2
    empty_database.migrate({name: extras.scripts[name] for name in names[:half]})
    outcome = ask(extras, empty_database)
    assert (outcome["ready"], outcome["applied"], outcome["pending"]) == (False, names[:half], names[half:])
    assert outcome["missing_tables"]
    assert outcome["missing_columns"]
    expected = f"{len(names) - half} of {len(names)} migrations are pending, the first is {names[half]}"
    assert outcome["reason"] == expected


def test_a_failed_migration_is_named_with_its_log(extras: Extras, empty_database: Database) -> None:
    names = sorted(extras.scripts)
    empty_database.migrate({name: extras.scripts[name] for name in names[:-1]})
    empty_database.record(names[-1], finished=False, logs=f"ERROR:\n relation exists ({PASSWORD})")
    outcome = ask(extras, empty_database)
    assert (outcome["ready"], outcome["failed_migrations"], outcome["pending"]) == (False, [names[-1]], [])
    assert outcome["reason"].startswith(
        f"1 migration failed and must be resolved, the first is {names[-1]}: ERROR: relation exists (********)"
    )
    assert not outcome.failed


def test_a_failed_attempt_that_was_rolled_back_and_repeated_does_not_count(
    extras: Extras, migrated_database: Database
) -> None:
    name = max(extras.scripts)
    migrated_database.record(name, finished=False, logs="ERROR: deadlock")
    migrated_database.execute('UPDATE "_prisma_migrations" SET rolled_back_at = now() WHERE finished_at IS NULL')
    assert ask(extras, migrated_database)["ready"] is True


def test_a_newer_database_is_not_ready_unless_that_is_allowed(extras: Extras, migrated_database: Database) -> None:
    migrated_database.record("29990101000000_from_the_future", finished=True)
    outcome = ask(extras, migrated_database)
    assert (outcome["ready"], outcome["unknown"]) == (False, ["29990101000000_from_the_future"])
    assert outcome["reason"] == (
        "the database is newer than the installed LiteLLM: 1 applied migration is unknown to it, "
        "the last is 29990101000000_from_the_future"
    )
    allowed = ask(extras, migrated_database, allow_newer=True)
    assert (allowed["ready"], allowed["reason"]) == (True, "")


def test_what_the_ledger_claims_and_the_database_lacks_is_found(extras: Extras, migrated_database: Database) -> None:
    migrated_database.execute('DROP TABLE "LiteLLM_TagTable" CASCADE')
    migrated_database.execute('ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN "budget_limits"')
    outcome = ask(extras, migrated_database)
    assert outcome["ready"] is False
    assert outcome["missing_tables"] == ["LiteLLM_TagTable"]
    assert outcome["missing_columns"] == ["LiteLLM_TeamTable.budget_limits"]
    assert "1 table is missing although no migration is pending, the first is LiteLLM_TagTable" in outcome["reason"]
    without_schema = ask(extras, database_url=url(migrated_database), schema_file=None)
    assert without_schema["ready"] is True


def test_an_edited_migration_is_told_but_does_not_count(
    extras: Extras, migrated_database: Database, tmp_path: Path
) -> None:
    shutil.copytree(extras.migrations, tmp_path / "migrations")
    name = sorted(extras.scripts)[3]
    with open(tmp_path / "migrations" / name / "migration.sql", "ab") as script:
        script.write(b"\n-- edited\n")
    outcome = ask(extras, migrated_database, migrations_dir=str(tmp_path / "migrations"))
    assert (outcome["ready"], outcome["modified"]) == (True, [name])


@pytest.mark.parametrize("lock", [72707369, int.from_bytes(b"llm_mig2", "big")], ids=["prisma", "litellm"])
def test_a_running_migration_is_pending_and_not_failed(extras: Extras, empty_database: Database, lock: int) -> None:
    names = sorted(extras.scripts)
    empty_database.migrate({name: extras.scripts[name] for name in names[:-1]})
    empty_database.record(names[-1], finished=False)
    connection = empty_database.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (lock,))
        outcome = ask(extras, empty_database)
    connection.close()
    assert (outcome["migrating"], outcome["failed_migrations"], outcome["pending"]) == (True, [], [names[-1]])
    assert outcome["reason"].endswith("a migration runs at this moment")
    deadline = time.monotonic() + 10
    while ask(extras, empty_database)["migrating"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ask(extras, empty_database)["failed_migrations"] == [names[-1]]


def test_another_schema_is_looked_at(extras: Extras, migrated_database: Database) -> None:
    migrated_database.execute("CREATE SCHEMA elsewhere")
    by_url = ask(extras, database_url=url(migrated_database, "?schema=elsewhere&connection_limit=10&pgbouncer=true"))
    assert (by_url["schema"], by_url["ledger"], by_url["reachable"]) == ("elsewhere", False, True)
    option_wins = ask(extras, database_url=url(migrated_database, "?schema=elsewhere"), schema="public")
    assert (option_wins["schema"], option_wins["ready"]) == ("public", True)


def test_parts_instead_of_a_url(extras: Extras, migrated_database: Database, postgres: PostgresServer) -> None:
    parts: dict[str, t.Any] = {"login_db": migrated_database.name, "login_user": USER, "login_password": PASSWORD}
    over_tcp = ask(extras, login_host="127.0.0.1", login_port=postgres.port, **parts)
    over_socket = ask(extras, login_unix_socket=str(postgres.folder), login_port=postgres.port, **parts)
    assert over_tcp["ready"] is True
    assert over_socket["ready"] is True


def test_a_verified_certificate(extras: Extras, migrated_database: Database, postgres: PostgresServer) -> None:
    target: dict[str, t.Any] = {"database_url": url(migrated_database), "ssl_mode": "verify-full"}
    good = ask(extras, **target, ca_cert=str(postgres.certificate))
    assert (good["ready"], good["reason"]) == (True, "")
    other = ask(extras, **target, ca_cert="/etc/ssl/certs/ca-certificates.crt")
    assert other["reachable"] is False
    assert "certificate verify failed" in other["reason"]
    prisma = ask(
        extras, database_url=url(migrated_database, f"?sslmode=require&sslaccept=strict&sslcert={postgres.certificate}")
    )
    assert prisma["ready"] is True
    strict = ask(extras, database_url=url(migrated_database, "?sslmode=require&sslaccept=strict"))
    assert "certificate verify failed" in strict["reason"]


def test_a_wrong_password(extras: Extras, migrated_database: Database) -> None:
    wrong = quote("not it: s3cret", safe="")
    target = f"postgresql://{USER}:{wrong}@127.0.0.1:{migrated_database.port}/{migrated_database.name}"
    outcome = ask(extras, database_url=target)
    assert (outcome["ready"], outcome["reachable"]) == (False, False)
    assert "password authentication failed" in outcome["reason"]
    assert "s3cret" not in outcome.text


def test_a_database_that_does_not_exist(extras: Extras, postgres: PostgresServer) -> None:
    outcome = ask(extras, Database("nowhere", postgres.port))
    assert (outcome["ready"], outcome["reachable"]) == (False, False)
    assert 'database "nowhere" does not exist' in outcome["reason"]


def test_a_role_without_rights(extras: Extras, migrated_database: Database, postgres: PostgresServer) -> None:
    postgres.create_role("stranger")
    parts: dict[str, t.Any] = {
        "login_host": "127.0.0.1",
        "login_port": postgres.port,
        "login_db": migrated_database.name,
    }
    outcome = ask(extras, login_user="stranger", login_password=PASSWORD, **parts)
    assert outcome["ready"] is False
    assert "permission denied" in outcome["reason"]


def test_a_dead_server(extras: Extras) -> None:
    outcome = ask(extras, Database("hx_gateway", free_port()))
    assert (outcome["ready"], outcome["reachable"], outcome["attempts"]) == (False, False, 1)
    assert "Connection refused" in outcome["reason"]
    assert (outcome["pending"], outcome["missing_tables"], outcome["server_version"]) == ([], [], "")


def test_a_server_that_accepts_and_never_answers(extras: Extras) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        outcome = ask(extras, Database("hx_gateway", silent.getsockname()[1]), connect_timeout=2)
    assert outcome["reachable"] is False
    assert "timeout" in outcome["reason"]
    assert time.monotonic() - started < 6


def test_a_server_that_is_not_postgresql(extras: Extras) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            # The client may leave, and the test end, at any of these steps.
            with contextlib.suppress(OSError):
                for _attempt in range(2):
                    connection, _address = listener.accept()
                    with connection:
                        connection.recv(1024)
                        connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        outcome = ask(extras, Database("hx_gateway", listener.getsockname()[1]), connect_timeout=2)
    assert (outcome["ready"], outcome["reachable"]) == (False, False)
    assert outcome["reason"].startswith("the database could not be asked: ")


def test_a_locked_ledger_is_an_answer_within_the_timeout(extras: Extras, migrated_database: Database) -> None:
    connection = migrated_database.connect()
    with connection.cursor() as cursor:
        cursor.execute('LOCK TABLE "_prisma_migrations" IN ACCESS EXCLUSIVE MODE')
        outcome = ask(extras, migrated_database, connect_timeout=2)
    connection.close()
    assert outcome["reachable"] is False
    assert "statement timeout" in outcome["reason"]


def test_waiting_ends_when_the_migration_does(extras: Extras, empty_database: Database) -> None:
    migration = threading.Timer(1, empty_database.migrate, [extras.scripts])
    migration.start()
    outcome = ask(extras, empty_database, wait=True, timeout=60, poll_interval=0.2)
    migration.join()
    assert (outcome["ready"], outcome["attempts"] > 1) == (True, True)


def test_waiting_in_vain_returns_the_last_answer(extras: Extras, empty_database: Database) -> None:
    outcome = ask(extras, empty_database, wait=True, timeout=1, poll_interval=0.2)
    assert (outcome.failed, outcome["ready"], outcome["reachable"]) == (False, False, True)
    assert outcome["elapsed"] < 3


def test_waiting_for_a_server_that_starts(extras: Extras, empty_database: Database, postgres: PostgresServer) -> None:
    postgres.stop()
    start = threading.Timer(1, postgres.start)
    start.start()
    outcome = ask(extras, empty_database, wait=True, wait_for="reachable", timeout=60, poll_interval=0.2)
    start.join()
    assert (outcome["reachable"], outcome["ready"], outcome["attempts"] > 1) == (True, False, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"database_url": "mysql://u:p4ssw0rd@h/d"}, "must begin with postgresql://"),
        ({"database_url": "postgresql://u:p4ssw0rd@h:port/d"}, "the port is not a number"),
        ({"database_url": "postgresql://u:p4ssw0rd/x@h/d"}, "the port is not a number"),
        ({"database_url": "postgresql://u:p4ssw0rd@h"}, "names no database"),
        ({"login_db": "d", "database_url": "postgresql://h/d"}, "mutually exclusive"),
        ({}, "one of the following is required"),
        ({"login_db": "d", "migrations_dir": "/nowhere"}, "cannot read the migrations in /nowhere"),
        ({"login_db": "d", "migrations_dir": "/proc/self/task"}, "holds no migrations"),
        ({"login_db": "d", "schema_file": "/nowhere"}, "cannot read the Prisma schema /nowhere"),
        ({"login_db": "d", "schema_file": "/etc/hostname"}, "cannot understand the Prisma schema"),
        ({"login_db": "d", "connect_timeout": 0}, "connect_timeout must be at least 1"),
        ({"login_db": "d", "poll_interval": 0}, "poll_interval must be greater than 0"),
        ({"login_db": "d", "timeout": -1}, "timeout must not be negative"),
        ({"login_db": "d", "ssl_cert": "/c"}, "required together"),
    ],
)
def test_wrong_calls_are_refused(extras: Extras, arguments: dict[str, t.Any], message: str) -> None:
    outcome = ask(extras, **arguments)
    assert outcome.failed
    assert message in outcome["msg"]
    assert "p4ssw0rd" not in outcome.text


@pytest.mark.parametrize("secret_in", ["url", "option"])
def test_ansible_shows_the_password_at_no_verbosity(
    extras: Extras, migrated_database: Database, tmp_path: Path, secret_in: str
) -> None:
    link = tmp_path / "collections/ansible_collections/hx/gateway"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(__file__).resolve().parents[2])
    parts = {"login_host": "127.0.0.1", "login_port": migrated_database.port, "login_db": migrated_database.name}
    target: dict[str, t.Any] = (
        {"database_url": url(migrated_database)}
        if secret_in == "url"
        else parts | {"login_user": USER, "login_password": PASSWORD}
    )
    variables = {"arguments": target | {"migrations_dir": str(extras.migrations)}}
    (tmp_path / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    task = {"hx.gateway.litellm_schema_info": "{{ arguments }}", "name": "Ask"}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    (tmp_path / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
    }
    command = [
        "ansible-playbook",
        "-vvvvv",
        "-e",
        "@variables.json",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
    ]
    shown = subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:], "play.json"],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert '"ready": true' in shown.stdout
    assert SECRET not in shown.stdout + shown.stderr


def test_check_mode_answers_the_same(extras: Extras, migrated_database: Database) -> None:
    assert ask(extras, migrated_database, _ansible_check_mode=True)["ready"] is True
