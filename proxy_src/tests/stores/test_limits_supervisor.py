"""Limits counted in one place for several workers, each with a connection as a worker has it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from hx_gateway.stores.errors import StoreUnavailableError
from hx_gateway.stores.limits_memory import MemoryLimits
from hx_gateway.stores.limits_supervisor import SupervisorLimits
from hx_gateway.workers.limits import open_limits

from limits import limit, plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hx_gateway.stores.limits_base import Plan, Verdict

ALL = plan(limit("r"), limit("t", "tokens", 100), limit("c", "concurrent", 2), limit("m", amount=9, models=["m"]))


@asynccontextmanager
async def workers(folder: Path, number: int = 1) -> AsyncIterator[list[SupervisorLimits]]:
    path = str(folder / "limits")
    async with AsyncExitStack() as stack:
        await open_limits(path, stack)
        made = []
        for _ in range(number):
            made.append(SupervisorLimits(path))
            stack.push_async_callback(made[-1].aclose)
        yield made


async def back(limits: SupervisorLimits, plan: Plan) -> Verdict:
    """Ask until somebody answers."""
    while True:
        try:
            return await limits.take(plan, 0, "back")
        except StoreUnavailableError:
            await asyncio.sleep(0.02)


async def test_verdicts_are_those_of_one_process(tmp_path: Path) -> None:
    async with workers(tmp_path) as (limits,):
        alone = MemoryLimits()
        for number in range(5):
            holder = str(number)
            there, here = await limits.take(ALL, 30, holder), await alone.take(ALL, 30, holder)
            assert (there.refused, there.remaining) == (here.refused, here.remaining)
            if number % 2 and here.refused < 0:
                limits.settle(ALL, -30, holder)
                alone.settle(ALL, -30, holder)


async def test_together_they_let_no_more_through_than_one(tmp_path: Path) -> None:
    few = plan(limit(amount=10))
    async with workers(tmp_path, 3) as made:
        verdicts = await asyncio.gather(*(limits.take(few, 0, "") for limits in made for _ in range(20)))
    assert sum(verdict.refused < 0 for verdict in verdicts) == 10


async def test_with_a_connection_go_its_places(tmp_path: Path) -> None:
    two = plan(limit("c", "concurrent", 2))
    async with workers(tmp_path, 2) as (one, other):
        assert [(await one.take(two, 0, str(number))).refused for number in range(3)] == [-1, -1, 0]
        assert (await other.take(two, 0, "x")).refused == 0
        one.settle(two, 0, "0")
        await one.take(plan(limit("other")), 0, "")  # answered in order: the place is free
        assert (await other.take(two, 0, "x")).refused == -1
        await one.aclose()
        async with asyncio.timeout(5):
            while (await other.take(two, 0, "y")).refused >= 0:  # noqa: ASYNC110 - it is another side's state
                await asyncio.sleep(0.01)
        other.settle(two, 0, "nobody")  # took its place on another connection
        assert (await other.take(two, 0, "z")).refused == 0


async def test_who_leaves_before_the_answer_keeps_no_place(tmp_path: Path) -> None:
    one_place = plan(limit("c", "concurrent", 1))
    async with workers(tmp_path) as (limits,):
        task = asyncio.create_task(limits.take(one_place, 0, "gone"))
        await asyncio.sleep(0)
        task.cancel()
        await limits.take(plan(limit("other")), 0, "")
        await limits.take(plan(limit("other")), 0, "")
        assert (await limits.take(one_place, 0, "next")).refused == -1


@pytest.mark.parametrize("late", [False, True])
async def test_who_leaves_before_the_answer_is_charged_no_tokens(tmp_path: Path, late: bool) -> None:
    tokens, other = plan(limit("t", "tokens", 100)), plan(limit("other", amount=10))

    async def cancel_when_answered() -> None:
        await limits.take(other, 0, "")
        task.cancel()

    async with workers(tmp_path) as (limits,):
        await limits.take(tokens, 10, "")
        if late:  # in the moment in which the answer is here already: both are answered at once
            canceling = asyncio.create_task(cancel_when_answered())
        task = asyncio.create_task(limits.take(tokens, 50, ""))
        await asyncio.sleep(0)
        if late:
            await canceling
        else:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await limits.take(other, 0, "")
        await limits.take(other, 0, "")
        assert (await limits.take(tokens, 0, "")).remaining == [90]


async def test_nobody_there_is_said_at_once_and_found_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    limits = SupervisorLimits(str(tmp_path / "limits"))
    with pytest.raises(StoreUnavailableError):
        await limits.take(ALL, 0, "a")
    with pytest.raises(StoreUnavailableError):
        await limits.take(ALL, 0, "a")
    limits.settle(ALL, 1, "a")
    async with workers(tmp_path), asyncio.timeout(10):
        with caplog.at_level("INFO"):
            assert (await back(limits, ALL)).refused == -1
    await limits.aclose()
    assert [record.getMessage() for record in caplog.records][-2:] == ["limits_not_shared", "limits_shared"]


async def test_one_that_says_nothing_is_waited_for_a_moment_only(tmp_path: Path) -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    path = str(tmp_path / "limits")
    async with await asyncio.start_unix_server(silent, path):
        limits = SupervisorLimits(path)
        start = asyncio.get_running_loop().time()
        with pytest.raises(StoreUnavailableError):
            await limits.take(ALL, 0, "a")
        assert asyncio.get_running_loop().time() - start < 2
        await limits.aclose()
