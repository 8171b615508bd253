# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import hashlib
import os
import typing as t
from dataclasses import dataclass, field

LEDGER_TABLE = "_prisma_migrations"


class MigrationsError(Exception):
    """The folder of migrations cannot be read."""


@dataclass(frozen=True)
class LedgerRow:
    """One line of Prisma's ledger: an attempt to apply one migration."""

    name: str
    checksum: str
    finished: bool
    rolled_back: bool
    logs: str = ""


@dataclass
class MigrationState:
    """How the ledger of a database compares with the migrations of the installed LiteLLM; lists are in name order."""

    applied: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    modified: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    failure_logs: dict[str, str] = field(default_factory=dict)


def expected_migrations(directory: str) -> dict[str, str]:
    """Read name and checksum (sha256 of the SQL) of every migration that the installed LiteLLM carries."""
    expected: dict[str, str] = {}
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
        for name in names:
            script = os.path.join(directory, name, "migration.sql")
            if os.path.isfile(script):
                with open(script, "rb") as stream:
                    expected[name] = hashlib.sha256(stream.read()).hexdigest()
    except OSError as error:
        raise MigrationsError(f"cannot read the migrations in {directory}: {error.strerror}") from error
    if not expected:
        raise MigrationsError(f"{directory} holds no migrations (folders with a migration.sql)")
    return expected


def compare(expected: dict[str, str], ledger: t.Iterable[LedgerRow], *, migrating: bool) -> MigrationState:
    """Compare what should be applied with what the ledger says.

    A name may have several rows, one for each attempt. It is applied when one of them is finished and not rolled back.
    Otherwise an attempt that is neither finished nor rolled back has failed, unless a migration runs at this moment.
    """
    state = MigrationState()
    applied: dict[str, str] = {}
    open_attempts: dict[str, str] = {}
    for row in ledger:
        if row.rolled_back:
            continue
        if row.finished:
            applied[row.name] = row.checksum
        else:
            open_attempts[row.name] = row.logs
    unfinished = {name: logs for name, logs in open_attempts.items() if name not in applied}
    state.running = sorted(name for name, logs in unfinished.items() if migrating and not logs)
    state.failed = sorted(set(unfinished) - set(state.running))
    state.failure_logs = {name: unfinished[name] for name in state.failed}
    state.applied = sorted(set(applied) & set(expected))
    state.unknown = sorted(set(applied) - set(expected))
    state.pending = sorted(set(expected) - set(applied) - set(state.failed))
    state.modified = [name for name in state.applied if applied[name] != expected[name]]
    return state
