"""A request on its way to the upstream, and what becomes of those who ask the same meanwhile."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from hx_gateway.cache.entry import Entry
    from hx_gateway.cache.shared_stream import SharedStream


class Fate(enum.Enum):
    """Why a flight has no answer for others."""

    LEFT = "left"
    """Its client left before there was one: ask again, one of you in its place."""
    ALONE = "alone"
    """It failed, or its answer is only for the one who asked: go on your own."""


class Passing(NamedTuple):
    """A stream that is passing, which others may join."""

    entry: Entry
    """Its head; the pieces are in the stream."""
    stream: SharedStream


Landed: TypeAlias = "Fate | Entry | Passing"


class Flight:
    """One request, its leader's; the others are followers."""

    __slots__ = ("_landed", "_waiting", "credential")

    def __init__(self, credential: str) -> None:
        self.credential = credential
        """Hash of the leader's credential: who has the same need not be looked at."""
        self._landed: Landed | None = None
        self._waiting: asyncio.Future[Landed] | None = None
        """What followers wait for; most flights have none."""

    def land(self, landed: Landed) -> None:
        """Tell the followers what there is for them; only the first call counts."""
        if self._landed is None:
            self._landed = landed
            if self._waiting is not None:
                self._waiting.set_result(landed)

    async def wait(self) -> Landed:
        """Return what the leader brought."""
        if self._landed is not None:
            return self._landed
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        # shielded: a follower that leaves must not take the answer from the others
        return await asyncio.shield(self._waiting)


class Flights:
    """The flights of this process by cache key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def get(self, key: str) -> Flight | None:
        """Return the flight to join for `key`."""
        return self._flights.get(key)

    def start(self, key: str, credential: str) -> Flight:
        """Return a flight to lead; others can join it unless there is one for `key` already."""
        flight = Flight(credential)
        self._flights.setdefault(key, flight)
        return flight

    def end(self, key: str, flight: Flight, landed: Landed) -> None:
        """Let nobody else join, and tell the followers what there is, if they were not told before."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.land(landed)

    def forget(self) -> None:
        """Let nobody join the flights there are: what they bring was asked for before a purge."""
        self._flights.clear()
