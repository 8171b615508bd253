"""What the server refuses before it is a request of the pipeline: made by the server, for those who report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Refusal(NamedTuple):
    """A request, or a connection, that was refused. Nothing in it was written by the client."""

    id: str
    """Request id of the answer."""
    reason: str
    """Code of the error: one of those in `errors`."""
    status: int
    client: str
    """Address of the peer."""


OnRefusal: TypeAlias = Callable[[Refusal], None]
"""Called on the event loop as often as anybody who can connect likes: no I/O, no exceptions."""
