"""Answers what was answered before, and asks once what many ask at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from multidict import istr

from hx_gateway.cache.access import KeyAccess, Verdict
from hx_gateway.cache.admin import offer
from hx_gateway.cache.entry import Entry
from hx_gateway.cache.flight import Fate, Flights, Passing
from hx_gateway.cache.keeper import Keeper
from hx_gateway.cache.key import cache_key
from hx_gateway.cache.memory import MemoryStore
from hx_gateway.cache.policy import HEADER, Policy, asked, is_for_cache
from hx_gateway.cache.redis import RedisStore
from hx_gateway.cache.store import Place
from hx_gateway.errors import GatewayError, NotCachedError
from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.redis import forget

if TYPE_CHECKING:
    import asyncio

    from hx_gateway.cache.flight import Flight
    from hx_gateway.cache.policy import Asked
    from hx_gateway.cache.store import CacheStore, Scope
    from hx_gateway.config.cache import Cache
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Services

    _Looking: TypeAlias = tuple[Asked, Place | None, asyncio.Future[Any] | None]
    """A look for an answer: what the client asked, where it would be (None: it may neither be looked up nor kept), and
    what the store was asked already. A plain tuple: it is made for each request."""

_HEADER: Final = istr(HEADER)
_AGE: Final = istr("Age")

_FAILED: Final = frozenset({500, 502, 503, 504})
"""Statuses that are errors in the sense of RFC 5861 section 4."""


class ResponseCache:
    """Keeps answers to deterministic calls, and gives them again to who asked while their key is known good."""

    def __init__(self, config: Cache, store: CacheStore, access: KeyAccess) -> None:
        self._policy = Policy(config)
        self._store = store
        self._ask = store.ask if isinstance(store, RedisStore) else None
        self._access = access
        self._flights = Flights()
        self._keeper = Keeper(self._policy, store, self._flights, config)
        self._stale = config.stale_if_error
        self.served = {"hit": 0, "miss": 0, "bypass": 0, "stale": 0}
        """How many requests had which outcome."""

    def prefetch(self, request: Request) -> bool:
        """Begin to look for an answer, if one may be used."""
        if self._ask is not None and is_for_cache(request):
            asks, place, found = self._looking(request)
            if place is not None:
                try:
                    found = self._ask(place)
                except StoreUnavailableError:
                    found = None
            request.ahead[self] = asks, place, found
        return True

    @staticmethod
    def abandon(begun: _Looking) -> None:
        """Let go of the reply."""
        if begun[2] is not None:
            forget(begun[2])

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Answer from the cache, or pass on and keep the answer if it may be kept."""
        if not is_for_cache(request):
            return await call_next(request)
        asks, place, found = request.ahead.pop(self, None) or self._looking(request)
        if place is None:
            if asks.only_if_cached:
                raise NotCachedError
            return await self._pass(request, call_next)
        entry, marks = await self._store.get(place, found)
        ttl = self._policy.ttl(place.model)
        if entry is not None and (age := _age(entry, asks)) < ttl:
            if self._access.is_known(request):
                return self._labelled(request, entry.response(), "hit", age)
            verdict = await self._access.ask(request)
            if verdict is Verdict.GOOD:
                return self._labelled(request, entry.response(), "hit", age)
            if verdict is Verdict.REFUSED and not asks.only_if_cached:
                return await self._pass(request, call_next)
        if asks.only_if_cached:
            raise NotCachedError
        stale = entry if entry is not None and _age(entry, asks) < ttl + self._stale else None
        while not asks.no_cache and (flight := self._flights.get(place.key)) is not None:
            landed = await self._landed(flight, request)
            if landed is Fate.ALONE:
                break
            if isinstance(landed, Entry):
                return self._labelled(request, landed.response(), "hit", landed.age())
            if isinstance(landed, Passing):
                return self._joined(request, landed)
        return await self._lead(request, call_next, place, marks, stale)

    async def purge(self, scope: Scope) -> int | None:
        """Forget what `scope` covers, see CacheStore.purge. Raises StoreUnavailableError."""
        self._flights.forget()
        return await self._store.purge(scope)

    def counts(self) -> dict[str, int]:
        """Return how many requests had which outcome, how many answers were kept, and what the store knows."""
        return {**self.served, "stored": self._keeper.stored, **self._store.counts()}

    def _looking(self, request: Request) -> _Looking:
        """Return where the answer to `request`, which is for the cache, may be."""
        asks = asked(request.headers)
        if not self._policy.allows(request, asks):
            return asks, None, None
        model = request.model
        shared = self._policy.shared(model)
        return asks, Place(cache_key(request, shared=shared), request.key, model, shared), None

    async def _pass(self, request: Request, call_next: Handler) -> Response:
        """Leave the cache out, but see what the answer says about the key."""
        asked_at = self._access.now()
        response = await call_next(request)
        self._learn(request, response, asked_at)
        return self._labelled(request, response, "bypass")

    async def _landed(self, flight: Flight, request: Request) -> Fate | Entry | Passing:
        """Wait for the leader's answer; ALONE if this one must not or cannot have it."""
        known = flight.credential == request.key or self._access.is_known(request)
        if not known and await self._access.ask(request) is not Verdict.GOOD:
            return Fate.ALONE
        landed = await flight.wait()
        if isinstance(landed, Passing) and not landed.stream.is_joinable:
            return Fate.ALONE
        return landed

    def _joined(self, request: Request, passing: Passing) -> Response:
        response = passing.entry.response()
        response.body = passing.stream.reader(request.outcome)
        return self._labelled(request, response, "hit", passing.entry.age())

    async def _lead(
        self, request: Request, call_next: Handler, place: Place, marks: list[str], stale: Entry | None
    ) -> Response:
        """Ask the upstream, for all who ask the same until the answer is here."""
        flight = self._flights.start(place.key, request.key)
        asked_at, created = self._access.now(), time.time()
        try:
            response = await call_next(request)
        except BaseException as error:
            self._flights.end(place.key, flight, Fate.ALONE if isinstance(error, Exception) else Fate.LEFT)
            if isinstance(error, GatewayError) and stale is not None and self._was_known(request):
                return self._labelled(request, stale.response(), "stale", stale.age())
            raise
        self._learn(request, response, asked_at)
        if response.status in _FAILED and stale is not None and self._was_known(request):
            self._flights.end(place.key, flight, Fate.ALONE)
            await response.aclose()
            return self._labelled(request, stale.response(), "stale", stale.age())
        self._keeper.keep(request, response, place, marks, flight, created)
        return self._labelled(request, response, "miss")

    def _learn(self, request: Request, response: Response, asked_at: float) -> None:
        """See in an answer of LiteLLM whether the key is good."""
        if 200 <= response.status < 300:
            if request.key and request.model and not request.has_more_credentials:
                self._access.prove(request, asked_at)
        elif response.status in {401, 403}:
            self._access.disprove(request, model_only=response.status == 403)

    def _was_known(self, request: Request) -> bool:
        return self._access.is_known(request, grace=self._stale)

    def _labelled(self, request: Request, response: Response, label: str, age: float | None = None) -> Response:
        request.outcome.cache = label
        self.served[label] += 1
        headers = response.headers
        headers[_HEADER] = label
        if age is not None:
            headers[_AGE] = str(int(age))
        return response


def _age(entry: Entry, asks: Asked) -> float:
    """Return the age of `entry` in seconds; infinite if the client wants a fresher one."""
    age = entry.age()
    return age if not asks.no_cache and (asks.max_age is None or age <= asks.max_age) else float("inf")


def make_cache(services: Services) -> ResponseCache | None:
    """Return the cache that the configuration asks for; None where it is off."""
    config = services.config.cache
    if not config.enabled:
        return None
    store: CacheStore
    if config.store == "redis" and services.redis is not None:
        longest = max([config.ttl, *(rule.ttl for rule in config.ttl_by_model)]) + config.stale_if_error
        store = RedisStore(services.redis, longest)
    else:
        store = MemoryStore(config.memory_max)
    cache = ResponseCache(config, store, KeyAccess(services.upstream, config.auth_ttl))
    offer(services.admin, cache)
    return cache
