"""Rows are made a few at a time, so that requests have their turn."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hx_gateway.usage.months import Month
from hx_gateway.usage.rows import months_of, row_of, rows_of
from usage_record import record


async def test_the_event_loop_goes_on_between_rows() -> None:
    turns: list[int] = []
    seen = 0

    async def others() -> None:
        while True:
            turns.append(seen)
            await asyncio.sleep(0)

    records = [record(number) for number in range(100)]
    task = asyncio.create_task(others())
    rows = []
    async for row in rows_of(records):
        rows.append(row)
        seen += 1
    task.cancel()
    assert rows == [row_of(each) for each in records]
    assert max(after - before for before, after in pairwise(turns)) <= 20


def test_the_months_are_those_in_which_requests_began() -> None:
    new_year = 1_798_761_600.0  # 2027-01-01T00:00:00Z
    assert months_of([record(ended_at=new_year + 1, duration=2.0), record(ended_at=new_year, duration=0.0)]) == {
        Month(2026, 12),
        Month(2027, 1),
    }
