"""What an operator may ask of the cache."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hx_gateway.admin.routes import AdminError
from hx_gateway.cache.store import Scope
from hx_gateway.log import event
from hx_gateway.stores.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hx_gateway.admin.routes import AdminRoutes
    from hx_gateway.middlewares.cache import ResponseCache

PATH = "/cache"

_DIGEST = re.compile("[0-9a-f]{64}")


def offer(routes: AdminRoutes, cache: ResponseCache) -> None:
    """Add `GET /cache`, which counts, and `DELETE /cache?model=NAME|key=SHA256|all=1`, which purges."""

    async def count(_: Mapping[str, str]) -> dict[str, Any]:
        return dict(cache.counts())

    async def purge(query: Mapping[str, str]) -> dict[str, Any]:
        scope = _scope(query)
        try:
            entries = await cache.purge(scope)
        except StoreError:
            raise AdminError(503, "the store does not answer; nothing was purged") from None
        event("cache_purged", scope=scope.kind, entries=entries)
        return {"purged": scope.kind, "entries": entries}

    routes.add("GET", PATH, count)
    routes.add("DELETE", PATH, purge)


def _scope(query: Mapping[str, str]) -> Scope:
    if len(query) != 1:
        raise AdminError(400, "exactly one of model=NAME, key=SHA256 and all=1")
    name, value = next(iter(query.items()))
    if name == "model" and value:
        return Scope("model", value)
    if name == "key":
        # a key itself has no place in an address, which ends up in histories
        if not _DIGEST.fullmatch(value):
            raise AdminError(400, "key must be the SHA-256 of the key in hexadecimal, as LiteLLM names keys")
        return Scope("key", value)
    if name == "all" and value == "1":
        return Scope("all")
    raise AdminError(400, "exactly one of model=NAME, key=SHA256 and all=1")
