"""Answers kept in this process, the least recently used given up first."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from hx_gateway.cache.store import Found, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.cache.entry import Entry
    from hx_gateway.cache.store import Scope

OVERHEAD: Final = 1024
"""Bytes that an answer takes besides its body: names, objects, table entries."""

_PIECE: Final = 64
"""Bytes that one more piece of a stream takes."""


class _Kept(NamedTuple):
    place: Place
    entry: Entry
    until: float
    size: int


class MemoryStore:
    """A store of at most `limit` bytes."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._marks = ["0"]

    async def get(self, place: Place, asked: object = None) -> Found:  # noqa: ARG002 - there is nothing to wait for
        """Return what is kept at `place`."""
        kept = self._kept.get(place.key)
        if kept is None:
            return Found(None, self._marks)
        if kept.until <= self._clock():
            self._drop(place.key)
            return Found(None, self._marks)
        self._kept.move_to_end(place.key)
        return Found(kept.entry, self._marks)

    def put(self, place: Place, entry: Entry, marks: list[str], seconds: float) -> None:
        """Keep `entry`, giving up others for its sake; nothing if there was any purge since `marks`."""
        size = entry.size + OVERHEAD + _PIECE * len(entry.pieces)
        if marks is not self._marks or size > self._limit:
            return
        if place.key in self._kept:
            self._drop(place.key)
        self._kept[place.key] = _Kept(place, entry, self._clock() + seconds, size)
        self._bytes += size
        while self._bytes > self._limit:
            self._drop(next(iter(self._kept)))

    async def purge(self, scope: Scope) -> int:
        """Forget what `scope` covers; return how many answers that were."""
        self._marks = [str(int(self._marks[0]) + 1)]
        gone = [key for key, kept in self._kept.items() if scope.covers(kept.place)]
        for key in gone:
            self._drop(key)
        return len(gone)

    def counts(self) -> dict[str, int]:
        """Return how many answers are kept, and in how many bytes."""
        return {"entries": len(self._kept), "bytes": self._bytes}

    def _drop(self, key: str) -> None:
        self._bytes -= self._kept.pop(key).size
