"""What streams cost: CPU an event, memory a stream, and how soon a client that left is noticed upstream."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.events import Tally, read

if TYPE_CHECKING:
    from benchmarks.events import Plan
    from benchmarks.processes import Server


_NOTICED_WITHIN = 3.0
"""Seconds after which a contender does not notice that a client left."""


@dataclass(frozen=True)
class Events:
    """CPU an event."""

    cpu_us: float
    """Microseconds of the contender's CPU time an event."""
    delay_us: float
    """Median from the upstream's write to the client's read."""
    events: int
    broken: int


@dataclass(frozen=True)
class Gone:
    """Milliseconds from a client's close to the upstream's; infinite where it never came."""

    median: float
    worst: float


async def cost(server: Server, plan: Plan, *, streams: int, rate: float, seconds: float) -> Events:
    """Run `streams` streams that together have `rate` events a second, and measure while all of them run."""
    plan.every = streams / rate
    plan.events = int((seconds + 1.5) / plan.every)
    tally = Tally()
    readers = await asyncio.gather(*[read(server.port, tally) for _ in range(streams)])
    await asyncio.gather(*[reader.first for reader in readers])
    cpu, seen = server.cpu(), tally.events
    tally.delays.clear()
    await asyncio.sleep(seconds)
    cpu, seen = server.cpu() - cpu, tally.events - seen
    delay = statistics.median(tally.delays) if tally.delays else float("nan")
    await asyncio.gather(*[reader.end for reader in readers])
    return Events(cpu / seen * 1e6 if seen else float("inf"), delay, seen, tally.broken)


async def memory(server: Server, plan: Plan, *, streams: int, every: float) -> float:
    """Return MB that `streams` open streams add to an idle contender that has served some before."""
    plan.every, plan.events = 0.01, 5
    tally = Tally()
    await asyncio.gather(*[(await read(server.port, tally)).end for _ in range(20)])
    await asyncio.sleep(0.3)
    idle = server.rss()
    plan.every, plan.events = every, 4
    tally = Tally()
    readers = await asyncio.gather(*[read(server.port, tally) for _ in range(streams)])
    most = 0
    while tally.ended < streams and not tally.broken:
        if tally.begun == streams:
            most = max(most, server.rss())
        await asyncio.sleep(0.1)
    await asyncio.gather(*[reader.end for reader in readers])
    return (most - idle) / 1e6 if most else float("nan")


async def client_gone(server: Server, plan: Plan, *, times: int, silent: bool) -> Gone:
    """Leave `times` streams, after their first event or, if `silent`, before any answer."""
    plan.every, plan.events, plan.silent = 0.01, 100_000, silent
    took = []
    for _ in range(times):
        plan.asked.clear()
        plan.gone.clear()
        reader = await read(server.port, Tally())
        await (plan.asked.wait() if silent else reader.first)
        await asyncio.sleep(0.02)
        left = time.monotonic()
        reader.transport.close()
        try:
            async with asyncio.timeout(_NOTICED_WITHIN):
                await plan.gone.wait()
        except TimeoutError:
            took.append(float("inf"))
            break
        took.append((plan.gone_at - left) * 1000)
    plan.silent = False
    return Gone(statistics.median(took), max(took))
