"""What a usage record costs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks import closed_loop, usage
from benchmarks.contenders import GATEWAY, start_gateway
from benchmarks.parts.around import beside, upstream
from benchmarks.report import Samples, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def recorded(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure CPU with usage records on and off, and that of the middleware alone."""
    samples = Samples()
    for _ in range(size.rounds):
        samples.add("middleware", value=await usage.middleware(size.requests // 10))
    if GATEWAY in contenders and closed_loop.available() and place.database:
        async with (
            upstream(place) as behind,
            beside(start_gateway(place, behind)) as on,
            beside(start_gateway(place, behind, usage=False)) as off,
        ):
            for _ in range(2 * size.rounds):
                cost = [
                    await asyncio.to_thread(closed_loop.load, place.folder, server, 32, size.seconds, same=False)
                    for server in (on, off)
                ]
                for name, done in zip(("on", "off"), cost, strict=True):
                    samples.add(name, value=done.cpu_us)
                samples.add("difference", value=cost[0].cpu_us - cost[1].cpu_us)
    names = ("middleware", "on", "off", "difference")
    rows = [(name, samples.median(name), samples.spread(name)) for name in names]
    print(table(("usage records", "CPU us/request", "spread %"), rows), flush=True)
    return samples.as_json()
