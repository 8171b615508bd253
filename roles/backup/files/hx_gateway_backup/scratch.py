# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of a backup's database beside the running one, compared with what the manifest says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from . import contents, create, encryption, server
from .errors import BackupError
from .settings import Settings, database_url

ATTEMPTS = 25
IDENTIFIER_MAX = 63
"""Bytes of an identifier beyond which PostgreSQL cuts it, without an error (NAMEDATALEN - 1)."""
# Autovacuum gives way by itself, and only a superuser may end a superuser's session.
END_SESSIONS = """
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.datname = %s AND (NOT r.rolsuper OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
"""
PRIVILEGES = """
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.privilege_type
FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = %s
"""


class Place:
    """The running database: its server, its name, and the way in for who may create another."""

    def __init__(self, settings: Settings) -> None:
        """Learn it from DATABASE_URL."""
        url = database_url(settings)
        if not url:
            raise BackupError(f"{settings.database_file} names no database (DATABASE_URL) to restore into")
        self.server, self.name = server.of_url(url)
        self.admin = server.admin(self.server, settings.admin_user, settings.admin_password)

    def beside(self, suffix: str) -> str:
        """Return the name of another database of this one, never cut by PostgreSQL to the running one's own."""
        room = IDENTIFIER_MAX - len(suffix) - 1
        return f"{self.name.encode()[:room].decode(errors='ignore')}_{suffix}"

    @cached_property
    def owner(self) -> str:
        """Return the role that owns the running database, whoever logs in to it."""
        with self.admin.connect("postgres") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (self.name,))
            row = cursor.fetchone()
        return str(row[0]) if row else self.server.user

    def execute(self, statement: sql.Composed) -> None:
        """Run a statement on the server, outside the database itself."""
        with self.admin.connect("postgres") as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def rename(self, old: str, new: str) -> None:
        """Rename a database."""
        self._alone(old, _statement("ALTER DATABASE {} RENAME TO {}", old, new))

    def drop(self, name: str) -> None:
        """Drop a database, if it is there."""
        self._alone(name, _statement("DROP DATABASE IF EXISTS {}", name))

    def _alone(self, name: str, statement: sql.Composed) -> None:
        """Do what nobody may be connected to the database for; who comes back at once is sent away again."""
        with self.admin.connect("postgres") as connection, connection.cursor() as cursor:
            for attempt in range(ATTEMPTS):
                cursor.execute(END_SESSIONS, (name,))
                try:
                    cursor.execute(statement)
                except psycopg2.errors.ObjectInUse:
                    if attempt == ATTEMPTS - 1:
                        raise
                    time.sleep(0.2)
                else:
                    return


@contextmanager
def made(place: Place, folder: Path, found: dict[str, Any], identity: str) -> Iterator[str]:
    """Restore into a scratch database and compare; yields its name, under which it is removed at the end."""
    _require_space(place)
    name = place.beside(f"check_{found['id'].lower()}")
    place.drop(name)
    place.execute(_statement("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0", name, place.owner))
    try:
        _fill(place, name, folder, found, identity)
        _privileges(place, name)
        told = contents.differences(found["database"]["tables"], _tables(place, name))
        if told:
            raise BackupError(f"the copy of {folder} differs from what was saved: {'; '.join(told[:20])}")
        yield name
    finally:
        place.drop(name)


def _statement(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*(sql.Identifier(name) for name in names))


def _require_space(place: Place) -> None:
    """Refuse where a copy could fill the disk of the running database, as far as that is this host's."""
    if not place.admin.system_user:
        return
    with place.admin.connect("postgres") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(oid), current_setting('data_directory') FROM pg_database WHERE datname = %s",
            (place.name,),
        )
        row = cursor.fetchone()
    if row:
        create.require_space(Path(row[1]), row[0])


def _fill(place: Place, scratch: str, folder: Path, found: dict[str, Any], identity: str) -> None:
    part = create.DUMP + (encryption.SUFFIX if found["encryption"] else "")
    # What another role owned there is the present role's here.
    role = [] if found["database"]["owner"] == place.owner else ["--no-owner", f"--role={place.owner}"]
    with place.admin.connect("postgres") as connection:
        # pg_restore 17 sets transaction_timeout, which servers before it do not have, and stops at nothing else either.
        knows = connection.server_version >= 170000 or place.admin.require_client(connection) < 17
    words = ["pg_restore", "--no-password", *role, f"--dbname={scratch}", *(["--exit-on-error"] if knows else [])]
    with encryption.opened(folder / part, identity) as dump:
        place.admin.run(*words, stdin=dump, passes=None if knows else _only_a_setting)


def _only_a_setting(said: str) -> bool:
    """Tell by what pg_restore said whether all that failed was a setting the server does not have."""
    return 'parameter "transaction_timeout"' in said and said.endswith("errors ignored on restore: 1")


def _tables(place: Place, name: str) -> dict[str, dict[str, Any]]:
    with place.admin.connect(name) as connection, connection.cursor() as cursor:
        return contents.tables(cursor)


def _privileges(place: Place, scratch: str) -> None:
    """Let the same roles in as the running database does; they belong to a database's name, not to its dump."""
    with place.admin.connect("postgres") as connection, connection.cursor() as cursor:
        cursor.execute(PRIVILEGES, (place.name,))
        granted = cursor.fetchall()
        cursor.execute(_statement("REVOKE ALL ON DATABASE {} FROM PUBLIC", scratch))
        for role, privilege in granted:
            words = sql.SQL(f"GRANT {privilege} ON DATABASE {{}} TO {role}")
            cursor.execute(words.format(sql.Identifier(scratch)))
