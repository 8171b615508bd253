# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hx.gateway.plugins.module_utils._migrations import (
    LEDGER_TABLE,
    LedgerRow,
    MigrationState,
    compare,
)
from ansible_collections.hx.gateway.plugins.module_utils._postgresql import (
    Target,
    describe_error,
    readonly_cursor,
)
from ansible_collections.hx.gateway.plugins.module_utils._prisma_schema import missing

try:
    import psycopg2
    from psycopg2 import sql
except ImportError:
    # The module says so before it comes here.
    pass

if t.TYPE_CHECKING:
    from psycopg2 import extensions

# Advisory locks that are held while a migration runs: Prisma's, and the one LiteLLM's own resolver takes around it.
MIGRATION_LOCKS = (72707369, int.from_bytes(b"llm_mig2", "big"))


@dataclass(frozen=True)
class Expectation:
    """What the installed LiteLLM expects of its database."""

    migrations: dict[str, str]
    tables: dict[str, list[str]]
    schema: str
    allow_newer: bool


@dataclass
class SchemaReport:
    """One answer about the schema."""

    schema: str
    reachable: bool = False
    ready: bool = False
    reason: str = ""
    server_version: str = ""
    ledger: bool = False
    migrating: bool = False
    migrations: MigrationState = field(default_factory=MigrationState)
    missing_tables: list[str] = field(default_factory=list)
    missing_columns: list[str] = field(default_factory=list)

    def dump(self) -> dict[str, t.Any]:
        """Return the report as the module's result."""
        return {
            "ready": self.ready,
            "reachable": self.reachable,
            "reason": self.reason,
            "server_version": self.server_version,
            "schema": self.schema,
            "ledger": self.ledger,
            "migrating": self.migrating,
            "applied": self.migrations.applied,
            "pending": self.migrations.pending,
            # Not "failed": Ansible takes a result of that name for the failure of the task.
            "failed_migrations": self.migrations.failed,
            "unknown": self.migrations.unknown,
            "modified": self.migrations.modified,
            "missing_tables": self.missing_tables,
            "missing_columns": self.missing_columns,
        }


def _are(count: int, noun: str) -> str:
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"


def _explain_failed(state: MigrationState, secrets: t.Iterable[str]) -> str:
    first = state.failed[0]
    log = state.failure_logs[first]
    why = describe_error(Exception(log), secrets)[:300] if log else "it left no log"
    count = len(state.failed)
    return f"{count} migration{'s' * (count > 1)} failed and must be resolved, the first is {first}: {why}"


def _explain_pending(report: SchemaReport, expected: int) -> str:
    pending = report.migrations.pending
    if report.ledger:
        verb = "is" if len(pending) == 1 else "are"
        text = f"{len(pending)} of {expected} migrations {verb} pending, the first is {pending[0]}"
    else:
        text = f"the schema {report.schema} holds no ledger of migrations; all {expected} are pending"
    return f"{text}; a migration runs at this moment" if report.migrating else text


def explain(report: SchemaReport, expectation: Expectation, secrets: t.Iterable[str] = ()) -> str:
    """Say in plain words what stands between this schema and LiteLLM; nothing when it is ready."""
    state = report.migrations
    reasons: list[str] = []
    if state.failed:
        reasons.append(_explain_failed(state, secrets))
    if state.unknown and not expectation.allow_newer:
        newer = _are(len(state.unknown), "applied migration")
        reasons.append(
            f"the database is newer than the installed LiteLLM: {newer} unknown to it, the last is {state.unknown[-1]}"
        )
    if state.pending:
        # What is missing meanwhile is only the consequence.
        reasons.append(_explain_pending(report, len(expectation.migrations)))
    else:
        reasons.extend(
            f"{_are(len(names), noun)} missing although no migration is pending, the first is {names[0]}"
            for noun, names in (("table", report.missing_tables), ("column", report.missing_columns))
            if names
        )
    return "; ".join(reasons)


class SchemaProbe:
    """Asks a database how its schema compares with what the installed LiteLLM expects."""

    def __init__(self, target: Target, expectation: Expectation, connect_timeout: int) -> None:
        self.target = target
        self.expectation = expectation
        self.connect_timeout = connect_timeout

    def ask(self, remaining: float | None = None) -> SchemaReport:
        """Give one answer, also when the database cannot be asked."""
        timeout = self.connect_timeout if remaining is None else max(1, min(self.connect_timeout, math.ceil(remaining)))
        report = SchemaReport(schema=self.expectation.schema)
        try:
            with readonly_cursor(self.target, timeout) as cursor:
                self._read(cursor, report)
        except (psycopg2.Error, UnicodeError) as error:
            text = describe_error(error, self.target.secrets)
            return SchemaReport(
                schema=self.expectation.schema,
                server_version=report.server_version,
                reason=f"the database could not be asked: {text}",
            )
        report.reachable = True
        report.reason = explain(report, self.expectation, self.target.secrets)
        report.ready = not report.reason
        return report

    def _read(self, cursor: extensions.cursor, report: SchemaReport) -> None:
        cursor.execute("SHOW server_version")
        # Debian adds its package version after a space.
        report.server_version = str(self._one(cursor)).split()[0]
        report.migrating = self._migrating(cursor)
        columns = self._columns(cursor)
        report.ledger = LEDGER_TABLE in columns
        ledger = self._ledger(cursor) if report.ledger else []
        report.migrations = compare(self.expectation.migrations, ledger, migrating=report.migrating)
        report.missing_tables, report.missing_columns = missing(self.expectation.tables, columns)

    @staticmethod
    def _one(cursor: extensions.cursor) -> t.Any:
        row = cursor.fetchone()
        return row[0] if row else None

    def _migrating(self, cursor: extensions.cursor) -> bool:
        """Look for the locks in the way PostgreSQL lists a 64-bit advisory lock: high half, low half, 1."""
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
            " AND (classid::bigint << 32) | objid::bigint = ANY(%s))",
            (list(MIGRATION_LOCKS),),
        )
        return bool(self._one(cursor))

    def _columns(self, cursor: extensions.cursor) -> dict[str, set[str]]:
        """Read tables and columns from the catalogue, which shows them also to a role without rights on them."""
        cursor.execute(
            "SELECT c.relname::text, coalesce(array_agg(a.attname::text) FILTER (WHERE a.attname IS NOT NULL), '{}')"
            " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') GROUP BY c.relname",
            (self.expectation.schema,),
        )
        return {table: set(columns) for table, columns in cursor.fetchall()}

    def _ledger(self, cursor: extensions.cursor) -> list[LedgerRow]:
        cursor.execute(
            sql.SQL(
                "SELECT migration_name, checksum,"
                " finished_at IS NOT NULL, rolled_back_at IS NOT NULL, coalesce(logs, '')"
                " FROM {} ORDER BY started_at"
            ).format(sql.Identifier(self.expectation.schema, LEDGER_TABLE))
        )
        return [LedgerRow(*row) for row in cursor.fetchall()]
