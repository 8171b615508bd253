"""A store that has failed is asked until it counts again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hx_gateway.stores import limits_probe
from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.limits_memory import MemoryLimits
from hx_gateway.stores.limits_probe import Probe

if TYPE_CHECKING:
    from hx_gateway.stores.limits_base import Plan, Verdict


class Failing(MemoryLimits):
    """Counts after so many failures."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.asked = 0

    async def take(self, plan: Plan, tokens: int, holder: str) -> Verdict:
        self.asked += 1
        if self.asked <= self.failures:
            raise StoreUnavailableError("away")
        return await super().take(plan, tokens, holder)


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_probe, "_PAUSE", 0.01)


async def test_it_asks_until_there_is_an_answer_and_says_so_once() -> None:
    back = asyncio.Event()
    store = Failing(3)
    probe = Probe(store, back.set)
    probe.begin()
    probe.begin()
    async with asyncio.timeout(5):
        await back.wait()
    await asyncio.sleep(0.05)
    assert store.asked == 4
    probe.begin()
    async with asyncio.timeout(5):
        while store.asked < 5:  # noqa: ASYNC110 - it is another task's state
            await asyncio.sleep(0.01)


async def test_closed_it_asks_no_more() -> None:
    store = Failing(1000)
    probe = Probe(store, lambda: None)
    probe.close()
    probe.begin()
    await asyncio.sleep(0.05)
    probe.close()
    asked = store.asked
    await asyncio.sleep(0.05)
    assert store.asked == asked > 0
