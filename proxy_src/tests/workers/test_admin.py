"""One answer for what every worker was asked."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from hx_gateway.workers.admin import EveryWorker, together
from hx_gateway.workers.channel import answer

if TYPE_CHECKING:
    from pathlib import Path


def test_numbers_are_sums_and_what_differs_is_listed() -> None:
    assert together([{"a": 1, "b": "x", "c": None, "d": True}, {"a": 2, "b": "x", "c": 3, "d": True, "e": 1.5}]) == {
        "a": 3,
        "b": "x",
        "c": [None, 3],
        "d": True,
        "e": 1.5,
    }


async def asked(folder: Path, *answers: Any) -> tuple[int, dict[str, Any]]:
    """Ask workers that answer like this; None is one that breaks off."""
    paths = [str(folder / str(number)) for number in range(len(answers) + 1)]  # the last one is not there
    async with AsyncExitStack() as stack:
        for path, said in zip(paths, answers, strict=False):

            async def answered(_: dict[str, Any], said: Any = said) -> Any:
                if said is None:
                    raise ValueError
                return said

            stack.callback((await answer(path, answered)).close)
        found = await EveryWorker(paths)("GET", "/x", {})
    return found.status, found.document


async def test_all_have_done_it(tmp_path: Path) -> None:
    assert await asked(tmp_path, [200, {"n": 1}, ""], [200, {"n": 2}, ""]) == (200, {"n": 3})


async def test_a_refusal_is_passed_on(tmp_path: Path) -> None:
    assert await asked(tmp_path, [200, {"n": 1}, ""], [503, {"error": "e"}, ""]) == (503, {"error": "e"})


async def test_one_that_does_not_answer_is_named(tmp_path: Path) -> None:
    status, document = await asked(tmp_path, [200, {"n": 1}, ""], None)
    assert (status, document) == (503, {"error": "worker 1 did not answer; the others have done it"})


async def test_nobody_there(tmp_path: Path) -> None:
    assert await asked(tmp_path) == (503, {"error": "no worker is running"})
