"""The operator's requests, done by every worker."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from hx_gateway.admin.routes import Answer
from hx_gateway.log import event
from hx_gateway.workers.channel import NoAnswerError, NotThereError, ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATIENCE = 10.0
"""Seconds a worker has for what it is asked to do."""


class EveryWorker:
    """Passes a request on to all workers, and answers with their answers put together."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    async def __call__(self, method: str, path: str, query: Mapping[str, str]) -> Answer:
        """Return the first refusal, else the sum; 503 if a worker did not say that it has done it."""
        question = {"ask": "admin", "method": method, "path": path, "query": dict(query)}
        asked = await asyncio.gather(*(self._ask(number, question) for number in range(len(self._paths))))
        answers = [Answer(*answer) for answer in asked if answer is not None]
        if not answers:
            return Answer(503, {"error": "no worker is running"})
        for answer in answers:
            if answer.status != 200:
                return answer
        return Answer(200, together([answer.document for answer in answers]))

    async def _ask(self, number: int, question: dict[str, Any]) -> Any:
        try:
            return await ask(self._paths[number], question, _PATIENCE)
        except NotThereError:  # it is being started, and has nothing yet
            return None
        except NoAnswerError:
            event("worker_silent", logging.WARNING, worker=number)
            return 503, {"error": f"worker {number} did not answer; the others have done it"}, ""


def together(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one document for all: numbers are sums, what all say is said once, what differs as a list."""
    whole: dict[str, Any] = {}
    for key in dict.fromkeys(key for document in documents for key in document):
        values = [document[key] for document in documents if key in document]
        if all(type(value) in {int, float} for value in values):
            whole[key] = sum(values)
        else:
            whole[key] = values[0] if all(value == values[0] for value in values) else values
    return whole
