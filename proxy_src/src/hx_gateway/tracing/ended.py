"""What a span is made of later: noted on the request path, read by the thread that sends."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hx_gateway.outcome import Usage


class Ended(NamedTuple):
    """One request, as it ended."""

    ended_at: int
    """Nanoseconds since the epoch."""
    duration: float
    """Seconds."""
    trace_id: str
    span_id: str
    parent_id: str
    """Span of the client; empty where the trace began here."""
    request_id: str
    method: str
    target: str
    host: str
    client: str
    version: tuple[int, int]
    model: str
    status: int
    ended: str
    usage: Usage | None
    cache: str
    limit: str
    upstream: str


class SpanQueue:
    """Keeps the newest `capacity` requests. One thread may add while another takes."""

    def __init__(self, capacity: int) -> None:
        self._requests: deque[Ended] = deque(maxlen=capacity)
        self._capacity = capacity
        self.dropped = 0
        """Requests thrown away because there was no room."""

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: Ended) -> None:
        """Take `request`, and drop the oldest where there is no room."""
        if len(self._requests) == self._capacity:
            self.dropped += 1
        self._requests.append(request)

    def take(self, most: int) -> list[Ended]:
        """Return up to `most` of the oldest requests, and forget them."""
        requests = self._requests
        taken: list[Ended] = []
        while len(taken) < most:
            try:
                taken.append(requests.popleft())
            except IndexError:
                break
        return taken
