"""The parts of the benchmark: each runs its contenders in turns and prints a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.parts.latency import opened
from benchmarks.parts.memory import grown
from benchmarks.parts.pauses import paused
from benchmarks.parts.profile import profiled
from benchmarks.parts.requests import closed
from benchmarks.parts.restarts import restarted
from benchmarks.parts.size import CHECK, Size
from benchmarks.parts.streams import streamed
from benchmarks.parts.usage import recorded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from benchmarks.contenders import Contender, Place

    Part = Callable[[Place, Sequence[Contender], Size], Awaitable[object]]

PARTS: dict[str, Part] = {
    "requests": closed,
    "latency": opened,
    "streams": streamed,
    "memory": grown,
    "usage": recorded,
    "pauses": paused,
    "restarts": restarted,
    "profile": profiled,
}

__all__ = ["CHECK", "PARTS", "Size"]
