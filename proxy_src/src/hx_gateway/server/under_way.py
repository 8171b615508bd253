"""The requests that began with one pipeline."""

from __future__ import annotations

import asyncio


class UnderWay:
    """Counts requests until the last has ended."""

    __slots__ = ("_ended", "count")

    def __init__(self) -> None:
        self.count = 0
        self._ended: asyncio.Event | None = None

    def leave(self) -> None:
        """Know that one has ended."""
        self.count -= 1
        if self._ended is not None and not self.count:
            self._ended.set()

    async def ended(self) -> None:
        """Return when all have ended; none may begin any more."""
        if self.count:
            self._ended = asyncio.Event()
            await self._ended.wait()
