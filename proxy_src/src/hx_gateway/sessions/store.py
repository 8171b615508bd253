"""What keeps sessions, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import asyncio


class Begun(NamedTuple):
    """A session, the request that begins now included."""

    requests: int
    tokens: int
    upstream: str = ""
    """Address of the server that answered last, `HOST:PORT`; empty for the first request."""
    refused: str = ""
    """`requests` or `tokens`: the limit that is reached; the request was not counted."""


class SessionStore(Protocol):
    """Keeps sessions until they were idle for their time."""

    async def begin(self, name: str, asked: asyncio.Future[Any] | None = None) -> Begun:
        """Count a request of the session `name`, unless it is at a limit. Raises StoreError.

        `asked` is what the store returned if that was begun already.
        """

    def end(self, name: str, tokens: int, upstream: str) -> None:
        """Add what a request took, and remember who answered it (empty: nobody did), without waiting for it."""

    def add(self, name: str, tokens: int, upstream: str) -> None:
        """Begin a session whose first request has ended, as one request and what it took, without waiting for it."""
