"""Questions over a unix socket: answered, not there, late, broken."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.workers.channel import NoAnswerError, NotThereError, answer, ask

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_question_gets_its_answer(tmp_path: Path) -> None:
    async def double(question: dict[str, Any]) -> Any:
        return {"long": "x" * question["n"]}

    path = str(tmp_path / "socket")
    async with await answer(path, double):
        answers = await asyncio.gather(*(ask(path, {"n": number}, 5) for number in (1, 100_000)))
    assert answers == [{"long": "x"}, {"long": "x" * 100_000}]


async def test_nobody_there(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with pytest.raises(NotThereError):
        await ask(path, {}, 1)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    with pytest.raises(NotThereError):
        await ask(path, {}, 1)


async def test_no_answer_in_time(tmp_path: Path) -> None:
    async def never(_: dict[str, Any]) -> Any:
        await asyncio.Event().wait()

    path = str(tmp_path / "socket")
    async with await answer(path, never):
        start = asyncio.get_running_loop().time()
        with pytest.raises(NoAnswerError):
            await ask(path, {}, 0.05)
        assert asyncio.get_running_loop().time() - start < 1


async def test_an_answer_that_fails_is_said_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def wrong(question: dict[str, Any]) -> Any:
        return question["missing"]

    path = str(tmp_path / "socket")
    async with await answer(path, wrong):
        with pytest.raises(NoAnswerError):
            await ask(path, {}, 5)
    assert "channel_failed" in [record.getMessage() for record in caplog.records]
