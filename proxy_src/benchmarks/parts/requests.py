"""CPU a request in a closed loop, which tells the throughput of a core."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks import closed_loop
from benchmarks.parts.around import servers
from benchmarks.report import Samples, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def closed(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure CPU a request in a closed loop, which tells the throughput of a core."""
    if not closed_loop.available():
        print("left out: wrk is not installed", flush=True)
        return None
    samples = Samples()
    async with servers(place, contenders, size) as (made, _):
        for _ in range(size.rounds):
            for connections in size.connections:
                for contender, server in made:
                    done = await asyncio.to_thread(
                        closed_loop.load,
                        place.folder,
                        server,
                        connections,
                        size.seconds * contender.patience,
                        same=contender.same,
                    )
                    if done.failed or not done.requests:
                        raise RuntimeError(f"{contender.name}: {done.failed} of {done.requests} requests failed")
                    name = (contender.name, str(connections))
                    samples.add(*name, "cpu_us", value=done.cpu_us)
                    samples.add(*name, "rate", value=done.requests / done.seconds)
                    samples.add(*name, "p50", value=float(done.p50))
                    samples.add(*name, "p99", value=float(done.p99))
    head = (
        "contender",
        "clients",
        "CPU us/request",
        "of nginx",
        "x naive",
        "spread %",
        "requests/s",
        "p50 us",
        "p99 us",
    )
    rows = []
    for connections in size.connections:
        for contender in contenders:
            name = (contender.name, str(connections))
            cpu = samples.median(*name, "cpu_us")
            rows.append(
                (
                    contender.name,
                    connections,
                    cpu,
                    samples.median("nginx", str(connections), "cpu_us") / cpu,
                    samples.median("naive", str(connections), "cpu_us") / cpu,
                    samples.spread(*name, "cpu_us"),
                    *[samples.median(*name, value) for value in ("rate", "p50", "p99")],
                )
            )
    print(table(head, rows), flush=True)
    return samples.as_json()
