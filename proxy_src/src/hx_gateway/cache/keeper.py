"""Keeps an answer while it passes, and hands it to those who wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.cache.answer import EVENTS, is_keepable, is_whole, media_type
from hx_gateway.cache.entry import Entry, kept_headers
from hx_gateway.cache.flight import Fate, Passing
from hx_gateway.cache.shared_stream import SharedStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.cache.flight import Flight, Flights, Landed
    from hx_gateway.cache.policy import Policy
    from hx_gateway.cache.store import CacheStore, Place
    from hx_gateway.config.cache import Cache
    from hx_gateway.message import Response


class Keeper:
    """Stores what may be stored, and ends flights."""

    def __init__(self, policy: Policy, store: CacheStore, flights: Flights, config: Cache) -> None:
        self._policy = policy
        self._store = store
        self._flights = flights
        self._max_entry = config.max_entry
        self._stale = config.stale_if_error
        self.stored = 0
        """How many answers were kept."""

    def keep(
        self, response: Response, place: Place, path: str, marks: list[str], flight: Flight, created: float
    ) -> None:
        """Look at the answer of a flight's leader; a body that is a stream is watched while it passes."""
        if not is_keepable(response.status, response.headers):
            self._flights.end(place.key, flight, Fate.ALONE)
            return
        kind = media_type(response.headers)
        head = Entry(response.status, kept_headers(response.headers), (), kind == EVENTS, created)

        def finish(pieces: Sequence[bytes] | None) -> None:
            landed: Landed = Fate.ALONE
            try:
                if pieces is not None:
                    whole = b"".join(pieces)
                    landed = head._replace(pieces=tuple(pieces) if head.stream else (whole,))
                    if len(whole) <= self._max_entry and is_whole(whole, kind, path):
                        self._store.put(place, landed, marks, self._policy.ttl(place.model) + self._stale)
                        self.stored += 1
            finally:  # whatever happens, nobody waits for ever
                self._flights.end(place.key, flight, landed)

        body = response.body
        if isinstance(body, bytes):
            finish((body,))
            return
        shared = SharedStream(body, self._max_entry, finish)
        response.body = shared.reader()
        if head.stream:
            flight.land(Passing(head, shared))
