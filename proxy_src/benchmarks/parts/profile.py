"""Where the gateway's time goes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from benchmarks import closed_loop
from benchmarks.contenders import GATEWAY, start_gateway
from benchmarks.parts.around import beside, upstream
from benchmarks.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def profiled(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Sample where the gateway's time goes."""
    if GATEWAY not in contenders or not closed_loop.available():
        return None
    file = place.folder / "profile.json"
    async with upstream(place) as behind, beside(start_gateway(place, behind, profile=file)) as server:
        await asyncio.to_thread(closed_loop.load, place.folder, server, 32, size.seconds * 5, same=False)
    found: dict[str, Any] = json.loads(file.read_text())
    for key, head in (("rooms", "in or called from"), ("functions", "at work itself")):
        print(table((head, "%"), [(name, share * 100) for name, share in found[key].items()]) + "\n", flush=True)
    return found
