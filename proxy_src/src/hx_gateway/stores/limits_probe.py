"""Asks a store of limits that has failed until it counts again, so that nobody has to send it a request for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hx_gateway.stores.errors import StoreError
from hx_gateway.stores.limits_base import Bucket, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.stores.limits_base import Limiter

_PAUSE = 1.0
"""Seconds between attempts."""

_PLAN = Plan([Bucket("probe", "requests", "hx:limit:probe", amount=1, drain=1, unit=1, most=1)])
"""A counter of its own, which is empty again a millisecond later: it writes, as a request does."""


class Probe:
    """At most one at a time; a gateway that is not ready gets no requests that could show that the store is back."""

    def __init__(self, limiter: Limiter, on_success: Callable[[], None]) -> None:
        self._limiter = limiter
        self._on_success = on_success
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Ask from now on, until there is an answer."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._ask(), name="limits probe")

    def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self._limiter.take(_PLAN, 0, "")
            except StoreError:
                continue
            self._on_success()
            return
