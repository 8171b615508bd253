# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PostgreSQL server for the tests of the modules, in a temporary folder and on a free port."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import typing as t
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

PASSWORD = "pa55 w/rd:@é%"
USER = "hx_gateway"

LEDGER = """CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)"""


def free_port() -> int:
    """Find a port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Database:
    """One database of the server, and the ways a test changes it."""

    name: str
    port: int

    def execute(self, statement: str, *values: t.Any) -> list[tuple[t.Any, ...]]:
        """Run one statement and commit it."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows

    def connect(self, user: str = USER) -> psycopg2.extensions.connection:
        """Open a connection, as the role the stack uses unless told otherwise."""
        return psycopg2.connect(host="127.0.0.1", port=self.port, dbname=self.name, user=user, password=PASSWORD)

    def migrate(self, scripts: dict[str, bytes]) -> None:
        """Apply migrations and write Prisma's ledger."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(LEDGER)
            for name, script in scripts.items():
                cursor.execute(script)
                self._record(cursor, name, hashlib.sha256(script).hexdigest(), finished=True)

    def record(self, name: str, *, checksum: str = "0" * 64, finished: bool, logs: str | None = None) -> None:
        """Write one line into the ledger without applying anything."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(LEDGER)
            self._record(cursor, name, checksum, finished=finished, logs=logs)
            connection.commit()

    @staticmethod
    def _record(
        cursor: psycopg2.extensions.cursor, name: str, checksum: str, *, finished: bool, logs: str | None = None
    ) -> None:
        cursor.execute(
            'INSERT INTO "_prisma_migrations" (id, checksum, migration_name, logs, finished_at, applied_steps_count)'
            " VALUES (%s, %s, %s, %s, CASE WHEN %s THEN now() END, %s)",
            (str(uuid.uuid4()), checksum, name, logs, finished, int(finished)),
        )


class PostgresServer:
    """Starts and stops one server; it runs as ``postgres`` where the tests run as root, which PostgreSQL refuses."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not programs:
            raise RuntimeError("PostgreSQL's server programs are missing; install Debian's package postgresql")
        self.programs = programs[-1].parent
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="hx-gateway-postgres-"))
        self.certificate = self.folder / "server.crt"
        self.owner = "postgres" if os.geteuid() == 0 else None
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> t.Self:
        try:
            self._prepare()
            self.start()
            self._admin(f"CREATE ROLE {USER} LOGIN PASSWORD %s", PASSWORD)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _prepare(self) -> None:
        """Make the cluster, which knows only scram-sha-256, and a certificate for its address."""
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD, encoding="utf-8")
        if self.owner:
            shutil.chown(self.folder, self.owner)
            shutil.chown(password_file, self.owner)
        self._run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", self.certificate, "-keyout", self.folder / "server.key"),
        )
        self._run(
            *(self.programs / "initdb", "--pgdata", self.folder / "data", "--username=postgres", "--encoding=UTF8"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync", "--locale=C"),
        )

    def _run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True, capture_output=True, user=self.owner, cwd=self.folder)

    def start(self, **changes: str) -> None:
        """Start the server, with other settings where a test wants them, and wait until it answers."""
        settings: dict[str, str | Path] = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": self.certificate,
            "ssl_key_file": self.folder / "server.key",
            **changes,
        }
        command: list[str | Path] = [self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, user=self.owner, cwd=self.folder)
        deadline = time.monotonic() + 30
        while True:
            try:
                self._admin("SELECT 1")
            except psycopg2.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log_text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start:\n{log_text}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop the server, its clients' connections included."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)
            self.process = None

    def _admin(self, statement: str, *values: t.Any) -> None:
        parameters: dict[str, t.Any] = {"host": self.folder, "port": self.port, "password": PASSWORD}
        with closing(psycopg2.connect(user="postgres", dbname="postgres", **parameters)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)

    def create_database(self, name: str, *, template: str = "template1") -> Database:
        """Create a database that belongs to the role the stack uses."""
        self._admin(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template}")
        return Database(name, self.port)

    def create_role(self, name: str) -> None:
        """Create a role that may log in and nothing else."""
        self._admin(f"CREATE ROLE {name} LOGIN PASSWORD %s", PASSWORD)
