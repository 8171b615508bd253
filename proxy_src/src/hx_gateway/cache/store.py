"""What keeps answers, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import asyncio

    from hx_gateway.cache.entry import Entry


class Place(NamedTuple):
    """Where an answer belongs, and what it can be purged by."""

    key: str
    credential: str
    """Hash of the credential it was asked with, which is `Request.key`."""
    model: str
    shared: bool = False
    """All credentials share it."""


class Found(NamedTuple):
    """What a store has for a place."""

    entry: Entry | None
    marks: list[str]
    """The purges so far; an answer asked for before another one is not kept."""


class Scope(NamedTuple):
    """What to purge: the answers of one credential, shared ones among them, of one model, or all."""

    kind: str
    """`key`, `model` or `all`."""
    name: str = ""

    def covers(self, place: Place) -> bool:
        """Say whether an answer kept at `place` is meant."""
        if self.kind == "all" or (self.kind == "key" and place.shared):
            return True
        return self.name == (place.model if self.kind == "model" else place.credential)


class CacheStore(Protocol):
    """Keeps answers. A store that does not work finds and keeps nothing; it never fails a request."""

    async def get(self, place: Place, asked: asyncio.Future[Any] | None = None) -> Found:
        """Return what is kept at `place`; `asked` is what the store returned if that was begun already."""

    def put(self, place: Place, entry: Entry, marks: list[str], seconds: float) -> None:
        """Keep `entry` for `seconds`, unless there was a purge since `marks` that it falls under."""

    async def purge(self, scope: Scope) -> int | None:
        """Forget what `scope` covers; return how many answers that were, None where that is not counted.

        Raises StoreUnavailableError.
        """

    def counts(self) -> dict[str, int]:
        """Return what is known of the size: `entries` and `bytes` where they are counted."""
