"""The latency a contender adds at a fixed rate."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks import open_loop
from benchmarks.parts.around import servers
from benchmarks.parts.size import RATE
from benchmarks.report import Samples, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def opened(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure the latency a contender adds at a fixed rate."""
    if not open_loop.available():
        print("left out: there is no C compiler", flush=True)
        return None
    samples = Samples()
    able = [contender for contender in contenders if contender.name != "litellm-cache"]
    async with servers(place, able, size) as (made, upstream):
        ports = [
            ("direct", upstream, False),
            *[(contender.name, server.port, contender.same) for contender, server in made],
        ]
        for _ in range(size.rounds):
            for name, port, same in ports:
                done = await asyncio.to_thread(open_loop.load, place.folder, port, RATE, size.open_seconds, same=same)
                for key, value in asdict(done).items():
                    samples.add(name, key, value=value)
                samples.add(name, "failed", value=done.failed)
    rows = []
    for name, _, _ in ports:
        added = [samples.median(name, key) - samples.median("direct", key) for key in ("p50", "p99")]
        by_nginx = [samples.median("nginx", key) - samples.median("direct", key) for key in ("p50", "p99")]
        ratios = [mine / its if name != "direct" else float("nan") for mine, its in zip(added, by_nginx, strict=True)]
        totals = [samples.median(name, key) for key in ("p50", "p99", "failed")]
        rows.append((name, *totals, *added, *ratios))
    head = ("contender", "p50 us", "p99 us", "failed", "added p50", "added p99", "p50 of nginx's", "p99 of nginx's")
    print(table(head, rows), flush=True)
    return samples.as_json()
