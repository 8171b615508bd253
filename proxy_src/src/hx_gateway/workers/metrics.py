"""The metrics of all workers on one page."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily

from hx_gateway.log import event
from hx_gateway.metrics.merge import Tally, from_json, is_count
from hx_gateway.metrics.process import ProcessMetrics
from hx_gateway.workers.channel import NoAnswerError, NotThereError, ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client.core import Metric

_PATIENCE = 2.0
"""Seconds a worker has to say what it measures."""


class AllWorkers:
    """Asks every worker when somebody asks.

    What a worker has counted when it was last asked stays, whether it is replaced by another or does not answer; its
    gauges are left out meanwhile, and `hx_gateway_worker_up` is 0.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._past = Tally()
        """Counts of workers that are gone."""
        self._last: dict[int, tuple[int, list[Metric]]] = {}
        """Process id and counts of each worker when it answered last."""
        self._silent: set[int] = set()
        self._process = ProcessMetrics()
        self._lock = asyncio.Lock()

    async def page(self) -> Tally:
        """Return what all measure together."""
        async with self._lock:  # two scrapes at a time would each count a worker's end
            answers = await asyncio.gather(*(self._ask(path) for path in self._paths))
            return await asyncio.to_thread(self._merged, answers)

    @staticmethod
    async def _ask(path: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = await ask(path, {"ask": "metrics"}, _PATIENCE)
        except (NotThereError, NoAnswerError):
            return None
        return answer

    def _merged(self, answers: Sequence[dict[str, Any] | None]) -> Tally:
        up = GaugeMetricFamily("hx_gateway_worker_up", "Whether a worker says what it measures", labels=("worker",))
        fresh: dict[int, list[Metric]] = {}
        for number, answer in enumerate(answers):
            up.add_metric((str(number),), answer is not None)
            self._note(number, answered=answer is not None)
            if answer is not None:
                fresh[number] = from_json(answer["families"])
                pid, counted = self._last.get(number, (answer["pid"], []))
                if pid != answer["pid"]:
                    self._past.add(counted)
                self._last[number] = answer["pid"], [family for family in fresh[number] if is_count(family)]
        tally = Tally()
        tally.add(self._past.collect())
        for number, (_, counted) in self._last.items():
            tally.add(fresh.get(number, counted), str(number))
        tally.add(self._process.collect(), "supervisor")
        tally.add([up])
        return tally

    def _note(self, number: int, *, answered: bool) -> None:
        if answered:
            self._silent.discard(number)
        elif number not in self._silent:
            self._silent.add(number)
            event("worker_silent", logging.WARNING, worker=number)
