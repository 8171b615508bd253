"""Takes records from the queue to the database, and waits where the database is away."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from hx_gateway.log import event
from hx_gateway.usage.table import WrongSchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.config.usage import UsageSection
    from hx_gateway.usage.address import DatabaseAddress
    from hx_gateway.usage.queue import UsageQueue, UsageRecord
    from hx_gateway.usage.table import UsageTable

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_CONNECT_TIMEOUT = 10.0
_MAINTENANCE_INTERVAL = 3600.0
_LAST_WORDS = 5.0
"""Seconds that writing may take at the end of the process."""

_TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, WrongSchemaError)


class UsageWriter:
    """A task that connects, keeps the table in shape and appends what has come in.

    It does so every `interval` seconds, and whenever a batch has come together: what waits takes memory.
    """

    def __init__(self, queue: UsageQueue, table: UsageTable, address: DatabaseAddress, config: UsageSection) -> None:
        self._queue = queue
        self._table = table
        self._address = address
        self._config = config
        self._stop = asyncio.Event()
        self._said = False
        """The log has been told that the database is away."""
        self._task = asyncio.create_task(self._run(), name="usage")
        self.connected = False
        self.written = 0
        """Records in the database."""
        self.rejected = 0
        """Records that the database would not take."""
        self.failures = 0
        """Times that connecting or writing failed."""

    async def aclose(self) -> None:
        """Write what is left, for a few seconds at most."""
        self._stop.set()
        self._queue.batch_ready.set()
        await asyncio.wait([self._task], timeout=_LAST_WORDS)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if len(self._queue):
            event("usage_lost", logging.WARNING, records=len(self._queue))

    async def _run(self) -> None:
        delay = _FIRST_DELAY
        while True:
            before = self.written
            try:
                await self._session()
            except Exception as error:  # whatever it is, records go on being written
                self._away(error)
            if self._stop.is_set():
                return
            delay = _FIRST_DELAY if self.written > before else min(delay * 2, _LONGEST_DELAY)
            await self._pause(delay * random.uniform(0.5, 1))  # noqa: S311 - several gateways shall not come at once

    async def _session(self) -> None:
        """Write over one connection until it breaks or the process ends."""
        connection = await self._address.connect(_CONNECT_TIMEOUT)
        try:
            loop = asyncio.get_running_loop()
            maintain_at = 0.0
            while True:
                last = self._stop.is_set()
                if loop.time() >= maintain_at:
                    await self._table.maintain(connection)
                    maintain_at = loop.time() + _MAINTENANCE_INTERVAL
                self._back()
                while records := self._queue.take(self._config.batch_max):
                    try:
                        await self._write(connection, records)
                    except BaseException:
                        self._queue.put_back(records)
                        raise
                    if len(self._queue) < self._config.batch_max and not last:
                        break  # what is left can wait for company
                if last:
                    return
                await self._batch(self._config.interval)
        finally:
            self.connected = False
            await _close(connection)

    async def _write(self, connection: asyncpg.Connection[Any], records: Sequence[UsageRecord]) -> None:
        """Append `records`; where the database does not take one, all others."""
        try:
            await self._table.write(connection, records)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, TypeError, OverflowError):
            if len(records) == 1:
                self.rejected += 1
                event("usage_rejected", logging.WARNING, id=records[0].request_id, exc_info=True)
                return
            half = len(records) // 2
            await self._write(connection, records[:half])
            await self._write(connection, records[half:])
        else:
            self.written += len(records)

    async def _batch(self, seconds: float) -> None:
        """Wait for a batch, for the end, or so many seconds."""
        if not self._stop.is_set():
            ready = self._queue.batch_ready
            ready.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(ready.wait(), seconds)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    def _away(self, error: Exception) -> None:
        self.failures += 1
        if not self._said:
            self._said = True
            known = isinstance(error, _TROUBLE)
            event(
                "usage_database_away",
                logging.WARNING if known else logging.ERROR,
                reason=_reason(error),
                queued=len(self._queue),
                exc_info=not known,
            )

    def _back(self) -> None:
        self.connected = True
        if self._said:
            self._said = False
            event("usage_database_back", queued=len(self._queue), dropped=self._queue.dropped)


def _reason(error: Exception) -> str:
    """Say what is wrong, without what a server or a URL may have put into a message."""
    if isinstance(error, WrongSchemaError):
        return "usage.database_schema must not be the name of the login role"
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return "the login role may not create its schema: GRANT CREATE ON DATABASE"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


async def _close(connection: asyncpg.Connection[Any]) -> None:
    try:
        await connection.close(timeout=2)
    except _TROUBLE:
        connection.terminate()
