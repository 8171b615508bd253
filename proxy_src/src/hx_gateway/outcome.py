"""What becomes of a request: noted by those who know it, read by those who report it."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Usage(NamedTuple):
    """Tokens that a request took."""

    prompt: int
    completion: int
    estimated: bool = False
    """The answer did not say; the gateway counted."""

    @property
    def total(self) -> int:
        """Both together, which is what LiteLLM bills."""
        return self.prompt + self.completion


class Meter(Protocol):
    """Counts what a stream under way takes, for the request that has it in its outcome."""

    def hand_over(self, to: Outcome) -> None:
        """Note what was taken so far for the request it counted for, and count what follows for another."""


class Outcome:
    """How a request went. Complete when those who asked with `Request.on_finish` are called."""

    __slots__ = (
        "bytes_sent",
        "cache",
        "cost",
        "ended",
        "first_byte_after",
        "first_piece_after",
        "limit",
        "meter",
        "status",
        "takes_over",
        "upstream",
        "usage",
    )

    def __init__(self) -> None:
        self.status = 0
        """HTTP status sent, 499 if the client left before there was one."""
        self.bytes_sent = 0
        """Body bytes handed to the client's connection."""
        self.first_byte_after: float | None = None
        """Seconds from the request to its response's head; None if none was sent."""
        self.first_piece_after: float | None = None
        """Seconds to the first piece of a streamed body, which with a stream is the first token."""
        self.ended = "complete"
        """`complete`, `client_gone`, `upstream_broken` or `cut` (by a drain that ran out of time)."""
        self.usage: Usage | None = None
        """What LiteLLM spent on this request; None if it was not asked, or there was nothing to count."""
        self.meter: Meter | None = None
        """What will note `usage` at the end of a stream that is under way."""
        self.takes_over = False
        """The request is charged the rest of a stream whose first reader has left, though the cache had it."""
        self.cost: float | None = None
        """US dollars, where LiteLLM says it."""
        self.cache = ""
        """`hit`, `miss`, `bypass` or `stale`; empty where no cache was asked."""
        self.limit = ""
        """Name of the limit that refused the request."""
        self.upstream = ""
        """Address of the server that answered or failed to, `HOST:PORT`."""
