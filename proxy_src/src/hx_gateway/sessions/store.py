"""What keeps sessions, behind one interface."""

from __future__ import annotations

from typing import NamedTuple, Protocol


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

    async def begin(self, name: str) -> Begun:
        """Count a request of the session `name`, unless it is at a limit. Raises StoreUnavailableError."""

    def end(self, name: str, tokens: int, upstream: str) -> None:
        """Add what a request took, and remember who answered it (empty: nobody did), without waiting for it."""

    def add(self, name: str, tokens: int, upstream: str) -> None:
        """Begin a session whose first request has ended, as one request and what it took, without waiting for it."""
