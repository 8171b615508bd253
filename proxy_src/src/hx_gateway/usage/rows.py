"""Records as rows of the table: what a client or an upstream sent is made to fit, so that no row spoils its batch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from hx_gateway.metrics.labels import route_of
from hx_gateway.usage.months import Month

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hx_gateway.usage.queue import UsageRecord

COLUMNS: Final = (
    ("time", "timestamptz NOT NULL"),
    ("request_id", "text NOT NULL"),
    ("call_id", "text NOT NULL"),
    ("trace_id", "text"),
    ("key_hash", "text"),
    ("method", "text NOT NULL"),
    ("route", "text NOT NULL"),
    ("model", "text"),
    ("status", "smallint NOT NULL"),
    ("ended", "text NOT NULL"),
    ("prompt_tokens", "bigint"),
    ("completion_tokens", "bigint"),
    ("estimated", "boolean"),
    ("cost", "double precision"),
    ("duration", "double precision NOT NULL"),
    ("first_token_after", "double precision"),
    ("cache", "text"),
    ("limited_by", "text"),
    ("upstream", "text"),
)
"""Names and types, in the order of a row."""

_AT_ONCE: Final = 20
"""Rows made, and encoded by who takes them, before requests have their turn: about a fifth of a millisecond."""

_DAY: Final = 86400

_LONGEST: Final = 256
_LARGEST: Final = 2**63 - 1

Row = tuple[object, ...]


def row_of(record: UsageRecord) -> Row:
    """Return `record` in the order of COLUMNS; `time` is when the request began."""
    usage = record.usage
    return (
        datetime.fromtimestamp(record.ended_at - record.duration, UTC),
        record.request_id,
        record.call_id,
        record.trace_id or None,
        record.key or None,
        record.method[:_LONGEST],
        route_of(record.target),
        # PostgreSQL's text holds no NUL
        record.model[:_LONGEST].replace("\0", "") or None,
        record.status,
        record.ended,
        min(usage.prompt, _LARGEST) if usage is not None else None,
        min(usage.completion, _LARGEST) if usage is not None else None,
        usage.estimated if usage is not None else None,
        record.cost,
        record.duration,
        record.first_token_after,
        record.cache or None,
        record.limit or None,
        record.upstream or None,
    )


async def rows_of(records: Sequence[UsageRecord]) -> AsyncIterator[Row]:
    """Yield the rows of `records`, letting the event loop go on in between."""
    for number, record in enumerate(records, 1):
        yield row_of(record)
        if not number % _AT_ONCE:
            await asyncio.sleep(0)


def months_of(records: Sequence[UsageRecord]) -> set[Month]:
    """Return the months in which `records` began."""
    days = {(record.ended_at - record.duration) // _DAY for record in records}
    return {Month.of(datetime.fromtimestamp(day * _DAY, UTC)) for day in days}
