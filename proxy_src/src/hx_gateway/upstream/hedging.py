"""A second try while the first still runs, for requests that may be sent twice."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from hx_gateway.config.upstream import Hedging as Config
    from hx_gateway.upstream.base import UpstreamResponse

    Try = Coroutine[Any, Any, UpstreamResponse]
    Task = asyncio.Task[UpstreamResponse]

_SAFE_METHODS = frozenset({"GET", "HEAD"})
"""They change nothing (RFC 9110 section 9.2.1)."""

_EMBEDDINGS = "/v1/embeddings"
_CHAT = "/v1/chat/completions"


class Hedging:
    """Sends a request again where the head of its answer is late, and takes the answer that comes first."""

    __slots__ = ("_after", "_closing", "_models", "sent", "won")

    def __init__(self, config: Config) -> None:
        self._after = config.after
        self._models = tuple(config.models)
        self._closing: set[asyncio.Task[None]] = set()
        self.sent = 0
        """Requests that were sent a second time."""
        self.won = 0
        """Those of them that the second server answered first."""

    def allows(self, method: str, target: str, model: str) -> bool:
        """Say whether a request may be sent twice: it changes nothing, or costs what the operator has agreed to."""
        if method in _SAFE_METHODS:
            return True
        if method != "POST":
            return False
        path = target.partition("?")[0]
        if path == _EMBEDDINGS:
            return True
        return path == _CHAT and any(fnmatchcase(model, pattern) for pattern in self._models)

    async def race(self, first: Try, second: Callable[[], Try | None]) -> UpstreamResponse:
        """Return the first answer below 500; if there is none, another one, else raise what `first` raises.

        `second` is asked when `after` seconds have passed without an outcome of `first`. What is not returned is
        cancelled, or closed if it is an answer, before this returns or raises.
        """
        tasks = [asyncio.ensure_future(first)]
        winner: Task | None = None
        try:
            await asyncio.wait(tasks, timeout=self._after)
            again = None if tasks[0].done() else second()
            if again is not None:
                self.sent += 1
                tasks.append(asyncio.ensure_future(again))
            winner = await _first_good(tasks)
            if winner is not tasks[0] and _is_good(winner):
                self.won += 1
            return winner.result()
        finally:
            for task in tasks:
                if task is not winner and not task.cancel():
                    self._close(task)
                elif task is not winner:
                    task.add_done_callback(self._close)  # its answer may come in the same moment

    def _close(self, task: Task) -> None:
        if not task.cancelled() and task.exception() is None:
            closing = asyncio.ensure_future(task.result().aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


async def _first_good(tasks: list[Task]) -> Task:
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task in done and _is_good(task):
                return task
    return next((task for task in tasks if task.exception() is None), tasks[0])


def _is_good(task: Task) -> bool:
    return not task.cancelled() and task.exception() is None and task.result().status < 500
