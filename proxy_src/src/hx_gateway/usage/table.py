"""The table in PostgreSQL: made, extended and shortened by whichever gateway comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from hx_gateway.usage.months import Month
from hx_gateway.usage.rows import COLUMNS, months_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncpg import Connection

    from hx_gateway.usage.queue import UsageRecord

TABLE: Final = "requests"

AHEAD: Final = 2
"""Months after the one under way that have their partition made already."""

_LOCK: Final = int.from_bytes(b"hx_usage")
"""Advisory lock: several gateways and workers start at once."""

_LOCK_TIMEOUT: Final = "10s"
_COPY_TIMEOUT: Final = 30
"""Seconds a batch may take before the server counts as away."""

_NAMES: Final = [name for name, _ in COLUMNS]


class WrongSchemaError(Exception):
    """The schema has the login role's name: PostgreSQL's default search_path would send LiteLLM's tables there."""


class UsageTable:
    """The table `requests` in one schema, partitioned by month."""

    def __init__(self, schema: str, retention_months: int) -> None:
        self._schema = schema
        self._retention = retention_months
        self._months: set[Month] = set()
        self.partitions_dropped = 0
        """How many partitions this process has dropped because of their age."""

    async def maintain(self, connection: Connection, needed: Iterable[Month] = ()) -> None:
        """Make what is missing, partitions for `needed` and the months ahead included; drop what is too old.

        Age is measured by the server's clock: a gateway whose clock is wrong must not drop anything. Raises
        WrongSchemaError, or what asyncpg raises.
        """
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await self._make_table(connection)
            this = Month.of(await connection.fetchval("SELECT now()"))
            there = await self._partitions(connection)
            oldest = this.plus(-self._retention) if self._retention else Month(0, 1)
            for month in {*needed, *(this.plus(ahead) for ahead in range(AHEAD + 1))} - there:
                await connection.execute(
                    f"CREATE TABLE {self._schema}.{month.partition} PARTITION OF {self._schema}.{TABLE}"
                    f" FOR VALUES FROM ('{month.start}') TO ('{month.plus(1).start}')"
                )
                there.add(month)
            for month in {month for month in there if month < oldest} - set(needed):
                await connection.execute(f"DROP TABLE {self._schema}.{month.partition}")
                there.discard(month)
                self.partitions_dropped += 1
        self._months = there

    async def write(self, connection: Connection, records: Sequence[UsageRecord]) -> None:
        """Append `records` by binary COPY."""
        months = months_of(records)
        if not months <= self._months:
            await self.maintain(connection, months)
        try:
            await self._copy(connection, records)
        except asyncpg.CheckViolationError:  # a partition is gone that was there: somebody else dropped it
            await self.maintain(connection, months)
            await self._copy(connection, records)

    async def _copy(self, connection: Connection, records: Sequence[UsageRecord]) -> None:
        await connection.copy_records_to_table(
            TABLE, schema_name=self._schema, columns=_NAMES, records=rows_of(records), timeout=_COPY_TIMEOUT
        )

    async def _make_table(self, connection: Connection) -> None:
        if await connection.fetchval("SELECT current_user = $1::text", self._schema):
            raise WrongSchemaError
        if await connection.fetchval("SELECT to_regclass($1)", f"{self._schema}.{TABLE}") is not None:
            return
        # asked first: IF NOT EXISTS wants the right to create even where there is nothing to create
        if await connection.fetchval("SELECT to_regnamespace($1)", self._schema) is None:
            await connection.execute(f"CREATE SCHEMA {self._schema}")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        table = f"{self._schema}.{TABLE}"
        await connection.execute(f"CREATE TABLE {table} ({columns}) PARTITION BY RANGE (time)")
        await connection.execute(f"CREATE INDEX ON {table} (call_id)")
        await connection.execute(f"CREATE INDEX ON {table} (request_id)")
        await connection.execute(f"CREATE INDEX ON {table} (key_hash, time)")

    async def _partitions(self, connection: Connection) -> set[Month]:
        rows = await connection.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass($1)",
            f"{self._schema}.{TABLE}",
        )
        found = (Month.from_partition(row["relname"]) for row in rows)
        return {month for month in found if month is not None}
