"""Answers kept in Redis, for all gateways that use the same server.

A purge is a token: each answer carries those it was asked for under, and counts only while they are the ones that
stand (`hx:cache:purged:...`). So a purge by model or key is one command whatever is kept, it also catches answers that
are still on their way, and a look-up needs no more than one MGET. What was purged leaves at the end of its time; index
sets would have to be kept in step with every expiry and eviction instead. Answers that all keys share have a token in
common, which every purge by key changes: whose answer it was is not known where it is looked up.
"""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from hx_gateway.cache.entry import decode, encode
from hx_gateway.cache.store import Found
from hx_gateway.stores.errors import StoreError
from hx_gateway.stores.script import pack_rest, pack_start

if TYPE_CHECKING:
    import asyncio

    from hx_gateway.cache.entry import Entry
    from hx_gateway.cache.store import Place, Scope
    from hx_gateway.stores.redis import Redis

_ENTRY: Final = "hx:cache:answer:"
_ENTRY_LENGTH: Final = len(_ENTRY)
_PURGED: Final = "hx:cache:purged:"
_ALL: Final = f"{_PURGED}all"
_SHARED: Final = f"{_PURGED}shared"
_LOOK: Final = pack_start(4, "MGET")


class RedisStore:
    """A store in Redis. `longest` is for how many seconds an answer may be kept at most, and so a purge counts."""

    def __init__(self, redis: Redis, longest: float) -> None:
        self._redis = redis
        # an answer asked for before a purge may arrive long after it
        self._purge_ms = int((longest + 86400) * 1000)

    def ask(self, place: Place) -> asyncio.Future[Any]:
        """Begin to look; to be given to `get`. Raises StoreUnavailableError."""
        key, credential, model, shared = place
        name = f"${_ENTRY_LENGTH + len(key)}\r\n{_ENTRY}{key}\r\n"
        return self._redis.send(_LOOK + name.encode() + _purges(model, "" if shared else credential))

    async def get(self, place: Place, asked: asyncio.Future[Any] | None = None) -> Found:
        """Return what is kept at `place`; nothing, with marks that let nothing be kept, while Redis is away."""
        try:
            data, *purges = await (self.ask(place) if asked is None else asked)
        except StoreError:
            return Found(None, [])
        marks = [purge.decode("latin-1") if purge is not None else "" for purge in purges]
        if data is None or (kept := decode(data)) is None or kept[1] != marks:
            return Found(None, marks)
        return Found(kept[0], marks)

    def put(self, place: Place, entry: Entry, marks: list[str], seconds: float) -> None:
        """Keep `entry` for `seconds`, without waiting for Redis to have it."""
        if marks:
            self._redis.post("SET", _ENTRY + place.key, encode(entry, marks), "PX", int(seconds * 1000))

    async def purge(self, scope: Scope) -> None:
        """Forget what `scope` covers. Raises StoreUnavailableError."""
        keys = [_ALL if scope.kind == "all" else _purged(scope.kind, scope.name)]
        if scope.kind == "key":
            keys.append(_SHARED)
        for key in keys:
            await self._redis.call("SET", key, os.urandom(8).hex(), "PX", self._purge_ms)

    def counts(self) -> dict[str, int]:
        """Return nothing: counting would mean to walk through all of Redis."""
        return {}


@lru_cache(maxsize=4096)
def _purges(model: str, credential: str) -> bytes:
    """Return the keys of the purges that an answer may fall under, as they stand in a command.

    `credential` is empty for one that all share.
    """
    return pack_rest(_ALL, _purged("model", model), _purged("key", credential) if credential else _SHARED)


def _purged(kind: str, name: str) -> str:
    # a model's name is a client's text of any length
    return f"{_PURGED}{kind}:{name if kind == 'key' else sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
