"""What stands around a load: the upstream, and the contenders in front of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from benchmarks import closed_loop, events, nginx
from benchmarks.parts.size import CHECK
from benchmarks.processes import LOAD_CORE, Server, free_port, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


@asynccontextmanager
async def upstream(place: Place) -> AsyncIterator[int]:
    """Serve 1 KiB to every request: nginx, or this process where there is none."""
    if nginx.available():
        port = free_port()
        async with beside(running(nginx.upstream(place.folder, port), port, core=LOAD_CORE)):
            yield port
    else:
        async with events.upstream(events.Plan()) as port:
            yield port


@asynccontextmanager
async def servers(
    place: Place, contenders: Sequence[Contender], size: Size
) -> AsyncIterator[tuple[list[tuple[Contender, Server]], int]]:
    """Run the contenders in front of one upstream; yields them, each with its server, and the upstream's port."""
    async with upstream(place) as port, AsyncExitStack() as stack:
        made = [
            (contender, await stack.enter_async_context(beside(contender.start(place, port))))
            for contender in contenders
        ]
        if closed_loop.available() and size is not CHECK:
            for contender, server in made:
                await asyncio.to_thread(
                    closed_loop.load, place.folder, server, 8, contender.patience, same=contender.same
                )
        yield made, port


@asynccontextmanager
async def beside(process: Any) -> AsyncIterator[Server]:
    """Enter and leave without holding up what runs in this process."""
    server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)
