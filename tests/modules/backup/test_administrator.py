# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore over the network by the login that the role postgresql makes for it, which is no superuser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import typing as t
from contextlib import closing
from pathlib import Path

import jinja2
import psycopg2
import pytest
import yaml
from ansible_collections.hx.gateway.tests.modules.backup.conftest import Site
from ansible_collections.hx.gateway.tests.modules.support.postgres import PASSWORD, USER, Database, PostgresServer

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles/postgresql"
ADMINISTRATOR = "hx_gateway_backup"
ADMINISTRATOR_PASSWORD = "b4ckup w/rd:@%+"
OTHER_PASSWORD = "0ther w/rd:@%+"
COMMANDS = ("access", "check", "drill", "restore")


def sql(port: int, statement: str, user: str = "postgres", password: str = PASSWORD, **where: t.Any) -> list[t.Any]:
    """Run a statement outside of the stack's database."""
    parameters = {"host": "127.0.0.1", "dbname": "postgres", **where}
    with closing(psycopg2.connect(port=port, user=user, password=password, **parameters)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def render(template: str, **values: t.Any) -> str:
    """Fill in one of the role's templates as Ansible does."""
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, autoescape=False)
    return environment.from_string((ROLE / "templates" / template).read_text()).render(values)


def apply_role(folder: Path, database: Database, *options: str, **variables: t.Any) -> int:
    """Have the role keep its database on the server; return how much it changed."""
    values = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        # Everything is done over the network, and a controller may have no sudo.
        "ansible_become": False,
        "postgresql_external": True,
        "postgresql_host": "127.0.0.1",
        "postgresql_port": database.port,
        "postgresql_admin_user": "postgres",
        "postgresql_admin_password": PASSWORD,
        "postgresql_database": database.name,
        "postgresql_password": PASSWORD,
        "postgresql_backup_password": ADMINISTRATOR_PASSWORD,
        **variables,
    }
    task = {"ansible.builtin.import_role": {"name": "hx.gateway.postgresql", "tasks_from": "database"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": values, "tasks": [task]}
    playbook = folder / "database.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "--inventory=localhost,", "--diff", *options, playbook],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The report writes other letters than these as numbers.
    for secret in (PASSWORD.partition("é")[0], ADMINISTRATOR_PASSWORD, OTHER_PASSWORD):
        assert secret not in done.stdout + done.stderr
    return int(json.loads(done.stdout)["stats"]["localhost"]["changed"])


@pytest.fixture
def remote(site: Site, tmp_path: Path) -> t.Iterator[Site]:
    """The site with its database on another host: made by the role, and restored by the login it makes."""
    apply_role(tmp_path, site.database)
    site.settings |= {"admin_user": ADMINISTRATOR, "admin_password": ADMINISTRATOR_PASSWORD}
    yield site
    sql(site.database.port, f"DROP ROLE IF EXISTS {ADMINISTRATOR}")


def test_what_was_lost_comes_back_and_still_belongs_to_the_owner(remote: Site) -> None:
    port, name = remote.database.port, remote.database.name
    sql(port, f"CREATE ROLE second LOGIN PASSWORD '{PASSWORD}' IN ROLE {USER}")
    sql(port, f"ALTER ROLE second SET role = '{USER}'")
    sql(port, "CREATE ROLE reader")
    remote.database.execute(
        "CREATE SCHEMA usage; CREATE TABLE usage.records (id serial PRIMARY KEY, name text REFERENCES keys);"
        "INSERT INTO usage.records (name) VALUES ('key 1');"
        "CREATE VIEW usage.names AS SELECT name FROM usage.records; GRANT USAGE ON SCHEMA usage TO reader;"
        "GRANT SELECT ON usage.names TO reader; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader"
    )
    everything = """
        SELECT n.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner), c.relacl::text, n.nspacl::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'usage') ORDER BY 1, 2
    """
    access = "SELECT datacl::text, pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    before = [remote.database.execute(query) for query in (everything, access)]
    replaced = ""
    try:
        backup = remote.do("create")["backup"]
        assert remote.do("access") == {"database": name, "user": ADMINISTRATOR}
        remote.database.execute("DELETE FROM usage.records; DELETE FROM keys")
        assert remote.do("drill", backup) == {"backup": backup, "tables": 3}
        # Neither the owner's sessions nor another login role's are in its way.
        with closing(remote.database.connect()), closing(remote.database.connect("second")):
            replaced = remote.do("restore", backup)["replaced"]
        assert remote.database.execute("SELECT count(*) FROM keys, usage.records") == [(500,)]
        assert [remote.database.execute(query) for query in (everything, access)] == before
        assert Database(replaced, port).execute("SELECT count(*) FROM keys") == [(0,)]
        left = (
            f"SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = '{ADMINISTRATOR}' OR datname ~ '_check_'"
        )
        assert sql(port, left) == []
    finally:
        for one in filter(None, (replaced, name)):
            sql(port, f"DROP DATABASE {one} WITH (FORCE)")
        sql(port, "DROP ROLE second")
        sql(port, "DROP ROLE reader")


def test_the_login_is_no_more_than_it_must_be_and_the_role_settles(remote: Site, tmp_path: Path) -> None:
    powers = "SELECT rolsuper, rolcreaterole, rolreplication, rolbypassrls, rolcreatedb, rolconnlimit FROM pg_roles"
    assert sql(remote.database.port, f"{powers} WHERE rolname = '{ADMINISTRATOR}'") == [
        (False, False, False, False, True, 5)
    ]
    # Nor is it one of the logins that take turns.
    assert apply_role(tmp_path, remote.database, postgresql_retire_others=True) == 0
    assert remote.do("access")["user"] == ADMINISTRATOR


def test_the_role_gives_back_what_was_taken_from_the_login_and_drops_it_in_the_end(
    remote: Site, tmp_path: Path
) -> None:
    port = remote.database.port
    spoils = ["REVOKE pg_signal_backend FROM {}"]
    if sql(port, "SHOW server_version_num")[0][0] >= "160000":
        spoils += [f"GRANT {USER} TO {{}} WITH INHERIT FALSE", f"GRANT {USER} TO {{}} WITH SET FALSE"]
    for spoil in spoils:
        sql(port, spoil.format(ADMINISTRATOR))
        assert apply_role(tmp_path, remote.database) == 1
        remote.do("access")
    # The entry point remove finds it, to be dropped before the owner.
    values = {"postgresql_database": remote.database.name, "postgresql_user": USER}
    owned = render("owned.sql.j2", **values, postgresql_owner=USER, postgresql_backup_user=ADMINISTRATOR)
    assert sql(port, owned)[0][0]["roles"] == [ADMINISTRATOR, USER]
    sql(port, f"DROP ROLE {ADMINISTRATOR}")


def test_another_password_comes_into_force_and_none_closes_the_login(remote: Site, tmp_path: Path) -> None:
    port = remote.database.port
    assert apply_role(tmp_path, remote.database, postgresql_backup_password=OTHER_PASSWORD) == 1
    assert sql(port, "SELECT 1", ADMINISTRATOR, OTHER_PASSWORD) == [(1,)]
    assert "password authentication failed" in remote.refusal("access")
    parameters: dict[str, t.Any] = {"host": "127.0.0.1", "port": port, "user": ADMINISTRATOR}
    with closing(psycopg2.connect(dbname="postgres", password=OTHER_PASSWORD, **parameters)) as inside:
        assert apply_role(tmp_path, remote.database, "--check", postgresql_backup_password="") == 1
        inside.cursor().execute("SELECT 1")
        assert apply_role(tmp_path, remote.database, postgresql_backup_password="") == 1
        with pytest.raises(psycopg2.OperationalError):
            inside.cursor().execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError):
        sql(port, "SELECT 1", ADMINISTRATOR, OTHER_PASSWORD)
    assert apply_role(tmp_path, remote.database, postgresql_backup_password="") == 0


def test_a_login_that_would_fail_is_refused_before_anything_is_changed(remote: Site) -> None:
    port = remote.database.port
    sql(port, f"CREATE ROLE second LOGIN PASSWORD '{PASSWORD}' IN ROLE {USER}")
    sql(port, f"ALTER ROLE second SET role = '{USER}'")
    environment = remote.config / "gateway.env"
    environment.write_text(environment.read_text().replace(f"//{USER}:", "//second:"))
    try:
        backup = remote.do("create")["backup"]
        for spoil, mend, says in (
            ("ALTER ROLE {} NOCREATEDB", "ALTER ROLE {} CREATEDB", "may not create databases (CREATEDB)"),
            (f"REVOKE {USER} FROM {{}}", f"GRANT {USER} TO {{}}", f"may not act for {USER}, the owner of"),
            ("REVOKE pg_signal_backend FROM {}", "GRANT pg_signal_backend TO {}", "may not end the sessions of second"),
            ("ALTER ROLE {} NOLOGIN", "ALTER ROLE {} LOGIN", "is not permitted to log in"),
            ("ALTER ROLE {} PASSWORD 'x'", "ALTER ROLE {} PASSWORD 'y'", "password authentication failed"),
        ):
            sql(port, spoil.format(ADMINISTRATOR))
            for command in COMMANDS:
                said = remote.refusal(command, *([] if command == "access" else [backup]))
                assert says in said
                assert "hx_backup_password" in said
            sql(port, mend.format(ADMINISTRATOR))
    finally:
        sql(port, "DROP ROLE second")


def test_without_a_password_another_hosts_server_is_refused(site: Site) -> None:
    backup = site.do("create")["backup"]
    for command in COMMANDS:
        said = site.refusal(command, *([] if command == "access" else [backup]), admin_password="")
        assert "hx_backup_password" in said


def test_a_deployment_without_a_database_needs_no_way_in(site: Site) -> None:
    (site.config / "gateway.env").write_text("")
    assert site.do("access", admin_password="") == {"database": "", "user": ""}


def test_a_superusers_session_is_waited_for_and_not_ended(remote: Site) -> None:
    backup = remote.do("create")["backup"]
    superuser = remote.database.connect("postgres")

    def leave() -> None:
        with closing(superuser), superuser.cursor() as cursor:
            cursor.execute("SELECT 1")
            left.append(cursor.fetchone())

    left: list[t.Any] = []
    timer = threading.Timer(4, leave)
    timer.start()
    remote.do("restore", backup)
    timer.join()
    assert left == [(1,)]


@pytest.fixture
def guarded() -> t.Iterator[Database]:
    """A server with the role's pg_hba.conf that wants TLS, and a database of the stack."""
    values = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    values |= {"postgresql_database": "stack", "postgresql_backup_password": "set", "postgresql_require_tls": True}
    with PostgresServer() as server:
        database = server.create_database("stack")
        server.create_role(ADMINISTRATOR)
        server.create_role("stranger")
        (server.folder / "data/pg_hba.conf").write_text(render("pg_hba.conf.j2", **values))
        server._admin("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 10
        while refusal(database, "postgres", "postgres") == "":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield database


def refusal(database: Database, user: str, name: str, sslmode: str = "require") -> str:
    try:
        sql(database.port, "SELECT 1", user, dbname=name, sslmode=sslmode)
    except psycopg2.OperationalError as error:
        return str(error)
    return ""


def test_who_gets_in_over_the_network(guarded: Database) -> None:
    inside = {
        (user, name)
        for user in (ADMINISTRATOR, USER, "stranger", "postgres")
        for name in ("stack", "postgres", "template1")
        if refusal(guarded, user, name) == ""
    }
    assert inside == {
        (ADMINISTRATOR, "stack"),
        (ADMINISTRATOR, "postgres"),
        (ADMINISTRATOR, "template1"),
        (USER, "stack"),
    }
    assert "no encryption" in refusal(guarded, ADMINISTRATOR, "postgres", "disable")
