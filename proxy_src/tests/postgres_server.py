"""Real PostgreSQL servers for tests: each on a free port, with a folder of its own, stopped with its test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from redis_server import free_port

if TYPE_CHECKING:
    from typing import Self

PASSWORD = "pa55 w/rd:@é%"
USER = "hx_gateway"
DATABASE = "gateway"


class PostgresServer:
    """One server with a database that belongs to the role the stack uses; it can be killed and started again."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not programs:
            raise RuntimeError("PostgreSQL's server programs are missing; install Debian's package postgresql")
        self._programs = programs[-1].parent
        self.port = free_port()
        self._owner = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, query: str = "", user: str = USER) -> str:
        """Return what DATABASE_URL would hold."""
        login = f"{user}:{quote(PASSWORD, safe='')}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{DATABASE}{query and f'?{query}'}"

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="hx-gateway-postgres-"))
        self.certificate = self.folder / "server.crt"
        try:
            self._prepare()
            self.start()
            self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'", database="postgres")
            self.reset()
        except BaseException:
            self.__exit__()
            raise
        return self

    def reset(self) -> Self:
        """Make the database again, as roles/postgresql leaves it: the login role's, and nobody else's."""
        if self._process is None:
            self.start()
        self.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", database="postgres")
        self.sql(f"CREATE DATABASE {DATABASE} OWNER {USER} TEMPLATE template0", database="postgres")
        self.sql(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
        self.sql(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO {USER}")
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def _prepare(self) -> None:
        if self._owner:
            shutil.chown(self.folder, self._owner)
        self._run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", str(self.certificate), "-keyout", str(self.folder / "server.key")),
        )
        self._run(
            *(str(self._programs / "initdb"), "--pgdata", str(self.folder / "data"), "--username=postgres"),
            *("--encoding=UTF8", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--locale=C"),
        )

    def _run(self, *command: str, text: str = "") -> str:
        done = subprocess.run(
            command, check=False, capture_output=True, user=self._owner, cwd=self.folder, text=True, input=text
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        for name, value in {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": str(self.certificate),
            "ssl_key_file": str(self.folder / "server.key"),
        }.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=self._owner, cwd=self.folder)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.sql("SELECT 1", database="postgres")
            except RuntimeError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Stop the server and every connection to it at once (SIGQUIT: as after a crash)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
            self._process = None

    def sql(self, statement: str, *, database: str = DATABASE, user: str = "postgres") -> list[list[str]]:
        """Run statements as the administrator, or as `user`; return the rows of the last as text."""
        out = self._run(
            *(str(self._programs / "psql"), "-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)),
            *("-p", str(self.port), "-U", user, "-d", database),
            text=statement,
        )
        return [line.split("\x1f") for line in out.splitlines()]
