# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database holds, in figures that a copy must have as well."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

# Plain tables and the leaves of partitioned ones; PostgreSQL's own are left out.
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2
"""
# Sums of two hashes of each row's text: the order of rows plays no part, and nothing is sorted or kept.
CONTENT = """
SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0),
       coalesce(sum(hashtextextended(t::text, 1)::numeric), 0) FROM {} t
"""
LEDGER = """SELECT max(migration_name) FROM "_prisma_migrations" WHERE finished_at IS NOT NULL"""


def tables(cursor: Any) -> dict[str, dict[str, Any]]:
    """Return rows and hash of each table, by schema and name."""
    cursor.execute(TABLES)
    found = {}
    for schema, name in cursor.fetchall():
        cursor.execute(sql.SQL(CONTENT).format(sql.Identifier(schema, name)))
        rows, first, second = cursor.fetchone()
        found[f"{schema}.{name}"] = {"rows": rows, "hash": f"{int(first) % 2**64:016x}{int(second) % 2**64:016x}"}
    return found


def newest_migration(cursor: Any) -> str:
    """Return the last of LiteLLM's migrations, or nothing where it has no ledger."""
    cursor.execute("SELECT to_regclass('public._prisma_migrations')")
    if cursor.fetchone()[0] is None:
        return ""
    cursor.execute(LEDGER)
    return str(cursor.fetchone()[0] or "")


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Say in words how the second differs from the first."""
    told = [f"{name} is missing" for name in sorted(set(wanted) - set(found))]
    told += [f"{name} was not in the backup" for name in sorted(set(found) - set(wanted))]
    for name in sorted(set(wanted) & set(found)):
        if wanted[name]["rows"] != found[name]["rows"]:
            told.append(f"{name} has {found[name]['rows']} rows instead of {wanted[name]['rows']}")
        elif wanted[name] != found[name]:
            told.append(f"{name} has other contents")
    return told
