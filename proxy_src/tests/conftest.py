"""Runs coroutine tests on uvloop, each with a limit in time."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest
import uvloop

import running

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any

LONGEST = 60
"""Seconds a test may take before it counts as hanging."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `pyfuncitem` if it is a coroutine function."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_limited(pyfuncitem.obj(**arguments)))
    return True


async def _limited(test: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(LONGEST):
        await test


@pytest.fixture(params=["fast", "aiohttp"])
def each_client(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test with each upstream client."""
    running.CLIENT["client"] = request.param
    yield
    running.CLIENT.clear()
