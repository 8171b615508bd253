# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to PostgreSQL, by psycopg2 and by PostgreSQL's own programs; passwords stay out of command lines."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg2

from .errors import BackupError

SOCKET_FOLDER = "/var/run/postgresql"
# What bounds a service's sessions must not end one that waits for pg_dump, or that counts a large table.
UNBOUNDED = """
SELECT set_config(name, '0', false) FROM pg_settings
WHERE name IN (
  'idle_in_transaction_session_timeout', 'idle_session_timeout', 'statement_timeout', 'transaction_timeout'
)
"""


@dataclass(frozen=True)
class Server:
    """How one role comes in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    options: dict[str, str] = field(default_factory=dict)
    system_user: str = ""
    """User whose name the socket vouches for."""

    @contextmanager
    def connect(self, database: str) -> Iterator[Any]:
        """Open a connection that commits each statement by itself, in UTC so that texts compare."""
        try:
            with _acting_as(self.system_user):
                connection = psycopg2.connect(**self._parameters(database))
        except psycopg2.OperationalError as error:
            raise BackupError(f"PostgreSQL {self.host}:{self.port}, database {database}: {error}") from error
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET timezone TO 'UTC'")
                cursor.execute(UNBOUNDED)
            yield connection
        except psycopg2.Error as error:
            raise BackupError(f"PostgreSQL {self.host}:{self.port}, database {database}: {error}") from error
        finally:
            connection.close()

    def _parameters(self, database: str) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password or None,
            "dbname": database,
            "connect_timeout": 10,
            **self.options,
        }

    def run(self, *command: str, stdin: IO[bytes] | None = None, passes: Callable[[str], bool] | None = None) -> None:
        """Run one of PostgreSQL's programs and fail with what it said, in English, unless `passes` accepts it."""
        done = subprocess.run(
            command,
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=self._environment(),
            user=self.system_user or None,
            cwd="/",
        )
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode and not (passes and passes(said)):
            raise BackupError(f"{command[0]} failed: {said[-2000:]}")

    def require_client(self, connection: Any) -> int:
        """Refuse a server that PostgreSQL's programs here are too old for; returns their major version."""
        told = subprocess.run(
            ["pg_dump", "--version"], capture_output=True, text=True, check=False, env=self._environment()
        ).stdout
        client, served = int(re.findall(r"\d+", told)[0]), connection.server_version // 10000
        if client < served:
            raise BackupError(
                f"pg_dump {client} cannot save a database of PostgreSQL {served}: install postgresql-client-{served} "
                "from PostgreSQL's own repository (https://wiki.postgresql.org/wiki/Apt)."
            )
        return client

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            **{f"PG{key.upper()}": value for key, value in self.options.items()},
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            **({"PGPASSWORD": self.password} if self.password else {}),
        }


def of_url(url: str) -> tuple[Server, str]:
    """Return the server and the database that a URL as in DATABASE_URL names."""
    parts = urlsplit(url)
    wanted = ("sslmode", "sslrootcert")
    options = {key: values[-1] for key, values in parse_qs(parts.query).items() if key in wanted}
    server = Server(
        parts.hostname or "127.0.0.1",
        parts.port or 5432,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        options,
    )
    return server, unquote(parts.path.lstrip("/"))


def admin(of: Server, user: str, password: str) -> Server:
    """Return the way in for the role that may create databases on the same server."""
    if password:
        return Server(of.host, of.port, user, password, of.options)
    return Server(SOCKET_FOLDER, of.port, user, "", {}, user if os.geteuid() == 0 else "")


@contextmanager
def _acting_as(user: str) -> Iterator[None]:
    """Be another user while a socket looks who comes in."""
    if not user:
        yield
        return
    try:
        number = pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise BackupError(f"there is no system user {user} on this host: set backup_admin_password") from error
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
