"""Whether memory grows with what was served."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import closed_loop
from benchmarks.events import Tally, read

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.events import Plan
    from benchmarks.processes import Server

_SETTLED = 0.3
"""Share of a run after which caches and pools are full and a slope means growth."""


@dataclass(frozen=True)
class Growth:
    """Resident memory over a run."""

    served: int
    first_mb: float
    last_mb: float
    percent: float
    """What the slope of the settled part adds over as many requests as were served, in % of the memory at the end."""


async def over_requests(folder: Path, server: Server, count: int) -> Growth:
    """Serve at least `count` requests, in slices of a second."""
    samples = [(0, server.rss())]
    while samples[-1][0] < count:
        done = await asyncio.to_thread(closed_loop.load, folder, server, 32, 1, same=False)
        if done.failed or not done.requests:
            raise RuntimeError(f"{done.failed} of {done.requests} requests failed")
        samples.append((samples[-1][0] + done.requests, server.rss()))
    return growth(samples)


async def over_aborted_streams(server: Server, plan: Plan, count: int, *, at_once: int = 50) -> Growth:
    """Leave `count` streams after their first event."""
    plan.every, plan.events = 0.005, 100_000
    samples = [(0, server.rss())]
    slices = 20
    tally = Tally()

    async def leave(times: int) -> None:
        for _ in range(times):
            reader = await read(server.port, tally)
            await reader.first
            reader.transport.abort()

    for _ in range(slices):
        times = max(1, count // slices // at_once)
        await asyncio.gather(*[leave(times) for _ in range(at_once)])
        samples.append((samples[-1][0] + times * at_once, server.rss()))
    return growth(samples)


def growth(samples: list[tuple[int, int]]) -> Growth:
    """Return what the samples (served, bytes) of a run tell."""
    settled = [sample for sample in samples if sample[0] >= samples[-1][0] * _SETTLED] or samples
    served, last = samples[-1]
    if len(settled) < 2:
        slope = 0.0
    else:
        slope = statistics.linear_regression([at for at, _ in settled], [size for _, size in settled]).slope
    return Growth(served, samples[0][1] / 1e6, last / 1e6, slope * served / last * 100)
