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
    from hx_gateway.message import Request, Response


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
        self, request: Request, response: Response, place: Place, marks: list[str], flight: Flight, created: float
    ) -> None:
        """Look at the answer to a flight's leader; a body that is a stream is watched while it passes."""
        if not is_keepable(response.status, response.headers):
            self._flights.end(place.key, flight, Fate.ALONE)
            return
        kind, path = media_type(response.headers), request.path
        status, headers, stream = response.status, kept_headers(response.headers), kind == EVENTS

        def finish(whole: bytes, pieces: tuple[bytes, ...]) -> None:
            landed: Landed = Fate.ALONE
            try:
                landed = Entry(status, headers, pieces, stream, created)
                if len(whole) <= self._max_entry and is_whole(whole, kind, path):
                    self._store.put(place, landed, marks, self._policy.ttl(place.model) + self._stale)
                    self.stored += 1
            finally:  # whatever happens, nobody waits for ever
                self._flights.end(place.key, flight, landed)

        def ended(pieces: Sequence[bytes] | None) -> None:
            if pieces is None:
                self._flights.end(place.key, flight, Fate.ALONE)
                return
            whole = b"".join(pieces)
            finish(whole, tuple(pieces) if stream else (whole,))

        body = response.body
        if isinstance(body, bytes):
            finish(body, (body,))
            return
        shared = SharedStream(body, self._max_entry, ended)
        response.body = shared.reader(request.outcome)
        if stream:
            flight.land(Passing(Entry(status, headers, (), stream, created), shared))
