"""What a worker answers when its supervisor asks."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from hx_gateway.metrics.merge import as_json
from hx_gateway.workers.channel import answer

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from hx_gateway.admin.routes import Desk
    from hx_gateway.metrics.whole import WholeProcess


async def open_answers(path: str, whole: WholeProcess, desk: Desk, lifespan: AsyncExitStack) -> None:
    """Answer on `path` until `lifespan` ends: `metrics` with all families, `admin` with what the routes say."""

    async def answered(question: dict[str, Any]) -> Any:
        if question["ask"] == "metrics":
            # in a thread: thousands of series take longer than a request should wait
            families = await asyncio.to_thread(lambda: as_json(whole.collect()))
            return {"pid": os.getpid(), "families": families}
        return tuple(await desk(question["method"], question["path"], question["query"]))

    server = await answer(path, answered)
    lifespan.callback(server.close)
