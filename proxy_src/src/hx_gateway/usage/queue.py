"""Where records wait for the database: bounded, and never in a request's way."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.outcome import Usage


class UsageRecord(NamedTuple):
    """One request, as it ended. Durations and times are seconds."""

    ended_at: float
    """Since the epoch."""
    duration: float
    request_id: str
    call_id: str
    trace_id: str
    key: str
    method: str
    target: str
    model: str
    status: int
    ended: str
    usage: Usage | None
    cost: float | None
    first_token_after: float | None
    cache: str
    limit: str
    upstream: str


class UsageQueue:
    """Keeps the newest `capacity` records, and says when `batch` of them wait."""

    def __init__(self, capacity: int, batch: int = 1) -> None:
        self._records: deque[UsageRecord] = deque(maxlen=capacity)
        self._capacity = capacity
        self._batch = batch
        self.batch_ready = asyncio.Event()
        """Set when a batch has come together; whoever waits for it clears it first."""
        self.dropped = 0
        """Records thrown away because there was no room."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: UsageRecord) -> None:
        """Take `record`, and drop the oldest where there is no room."""
        records = self._records
        if len(records) == self._capacity:
            self.dropped += 1
        records.append(record)
        if len(records) == self._batch:
            self.batch_ready.set()

    def take(self, most: int) -> list[UsageRecord]:
        """Return up to `most` of the oldest records, and forget them."""
        records = self._records
        return [records.popleft() for _ in range(min(most, len(records)))]

    def put_back(self, records: Sequence[UsageRecord]) -> None:
        """Take back what could not be written, as far as there is room: these are the oldest."""
        room = self._capacity - len(self._records)
        kept = records[len(records) - room :] if room < len(records) else records
        self.dropped += len(records) - len(kept)
        self._records.extendleft(reversed(kept))
