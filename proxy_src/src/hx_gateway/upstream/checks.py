"""Readiness checks of each server, on and on."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from hx_gateway.upstream.readiness import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.config.upstream import Upstream
    from hx_gateway.upstream.base import OriginClient
    from hx_gateway.upstream.member import Member


class Checks:
    """Asks every server each `checks.interval` seconds; as many bad answers in a row as configured put it out.

    One good answer puts it back in.
    """

    def __init__(self, members: Sequence[Member], checkers: Sequence[OriginClient], config: Upstream) -> None:
        self._config = config
        pairs = zip(members, checkers, strict=True)
        self._tasks = [asyncio.ensure_future(self._watch(member, checker)) for member, checker in pairs]

    async def aclose(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, member: Member, checker: OriginClient) -> None:
        checks = self._config.checks
        bad = 0
        while True:
            verdict = await ask(checker, self._config.readiness)
            bad = 0 if verdict.ready else bad + 1
            if bad == 0 or bad >= checks.failures:
                member.judge(healthy=verdict.ready)
            # several gateways must not ask in step
            await asyncio.sleep(checks.interval * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
