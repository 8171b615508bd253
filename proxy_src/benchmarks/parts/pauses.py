"""How long the gateway's event loop stands still under load."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from benchmarks import open_loop
from benchmarks.contenders import GATEWAY, start_gateway
from benchmarks.parts.around import beside, upstream
from benchmarks.parts.size import RATE
from benchmarks.report import Samples, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def paused(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure how late a timer of a millisecond comes, for other reasons than that the core was somebody else's."""
    if GATEWAY not in contenders or not open_loop.available():
        return None
    samples = Samples()
    file = place.folder / "ticks.json"
    async with upstream(place) as behind:
        for _ in range(size.rounds):
            async with beside(start_gateway(place, behind, ticks=file)) as server:
                await asyncio.to_thread(open_loop.load, place.folder, server.port, RATE, size.open_seconds)
            for name, value in json.loads(file.read_text()).items():
                samples.add(name, value=value)
    names = ("ticks", "p50", "p99", "p999", "max")
    print(table((*names[:1], *(f"{name} ms" for name in names[1:])), [[samples.median(n) for n in names]]), flush=True)
    return samples.as_json()
