"""How much is done."""

from __future__ import annotations

from dataclasses import dataclass

RATE = 2000
"""Requests a second of the open loops."""


@dataclass(frozen=True)
class Size:
    """How much is done."""

    rounds: int = 5
    seconds: float = 2
    connections: tuple[int, ...] = (1, 32, 256)
    streams: int = 200
    events_rate: int = 5000
    slow_streams: int = 1000
    slow_every: float = 1.5
    leaves: int = 50
    requests: int = 100_000
    aborted: int = 10_000
    open_seconds: float = 5
    restarts: int = 8
    restart_every: float = 5


CHECK = Size(1, 1, (4,), 10, 500, 20, 0.3, 2, 200, 100, 0.5, 1, 1)
