# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from ansible_collections.hx.gateway.tests.modules.support import postgres as support
from ansible_collections.hx.gateway.tests.modules.support.postgres import Database

PROGRAM = Path(__file__).resolve().parents[3] / "roles/backup/files/hx-gateway-backup"
SALT = "the-salt-nobody-may-see"


@dataclass
class Site:
    """A deployment as the program sees it: a database, a configuration, and a folder for backups."""

    folder: Path
    database: Database
    settings: dict[str, t.Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        config = self.folder / "config"
        config.mkdir(mode=0o750)
        password = quote(support.PASSWORD, safe="")
        url = (
            f"postgresql://{support.USER}:{password}@127.0.0.1:{self.database.port}/{self.database.name}?sslmode=prefer"
        )
        (config / "gateway.env").write_text(f'DATABASE_URL="{url}"\n')
        (config / "litellm.env").write_text(f'LITELLM_SALT_KEY="{SALT}"\n')
        (config / "gateway.yml").write_text("a: 1\n")
        (config / "gateway.yml").chmod(0o640)
        (config / "database.service").write_text("[Unit]\n")
        self.settings = {
            "directory": str(self.folder / "backups"),
            "site": "here",
            "keep": 3,
            "configuration": [str(config)],
            "salt_file": str(config / "litellm.env"),
            "database_file": str(config / "gateway.env"),
            "migrations": "",
            "database_unit": str(config / "database.service"),
            "services": [],
            "releases": {},
            "gates": [],
            "gate_timeout": 2,
            "recipients": [],
            "identity": "",
            "admin_user": "postgres",
            "admin_password": support.PASSWORD,
        }

    @property
    def config(self) -> Path:
        """The folder of the configuration."""
        return self.folder / "config"

    def run(self, *words: str, **changes: t.Any) -> subprocess.CompletedProcess[str]:
        """Run the program; no secret is in what it prints."""
        path = self.folder / "settings.json"
        path.write_text(json.dumps({**self.settings, **changes}))
        done = subprocess.run(
            [sys.executable, "-I", "-B", PROGRAM, "--settings", path, *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert support.PASSWORD not in done.stdout + done.stderr
        assert SALT not in done.stdout + done.stderr
        return done

    def do(self, *words: str, **changes: t.Any) -> dict[str, t.Any]:
        """Run the program, which must succeed."""
        done = self.run(*words, **changes)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def refusal(self, *words: str, **changes: t.Any) -> str:
        """Run the program, which must refuse and change nothing."""
        before = self.state()
        done = self.run(*words, **changes)
        assert done.returncode == 1, done.stdout
        assert self.state() == before
        return done.stderr

    def state(self) -> tuple[t.Any, ...]:
        """What a refusal must leave alone: rows, databases and files."""
        rows = self.database.execute("SELECT * FROM keys ORDER BY 1")
        names = self.database.execute("SELECT datname FROM pg_database ORDER BY 1")
        files = sorted((str(path), path.read_bytes()) for path in self.config.iterdir())
        return rows, names, files


@pytest.fixture
def site(tmp_path: Path, empty_database: Database) -> Site:
    """A site with a table of keys and one with values that are hard to copy."""
    empty_database.execute(
        "CREATE TABLE keys (name text PRIMARY KEY, spend double precision, at timestamptz DEFAULT now())"
    )
    empty_database.execute("INSERT INTO keys SELECT 'key ' || n, n / 3.0 FROM generate_series(1, 500) n")
    empty_database.execute('CREATE TABLE "Odd ""Name" (a jsonb, b bytea, c text[], d numeric)')
    empty_database.execute(
        """INSERT INTO "Odd ""Name" VALUES ('{"a": [1, null]}', '\\x00ff', '{"ü,\\"",NULL}', 1e-30)"""
    )
    return Site(tmp_path, empty_database)
