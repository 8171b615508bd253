"""Whether the gateway's memory grows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks import closed_loop, events, memory
from benchmarks.contenders import GATEWAY
from benchmarks.parts.around import beside, servers
from benchmarks.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def grown(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure whether the gateway's memory grows."""
    if GATEWAY not in contenders:
        return None
    found: dict[str, Any] = {}
    if closed_loop.available():
        async with servers(place, [GATEWAY], size) as (made, _):
            found["requests"] = asdict(await memory.over_requests(place.folder, made[0][1], size.requests))
    plan = events.Plan()
    async with events.upstream(plan) as upstream, beside(GATEWAY.start(place, upstream)) as server:
        found["aborted streams"] = asdict(await memory.over_aborted_streams(server, plan, size.aborted))
    rows = [(name, *growth.values()) for name, growth in found.items()]
    print(table(("over", "served", "MB at the start", "MB at the end", "slope %"), rows), flush=True)
    return found
