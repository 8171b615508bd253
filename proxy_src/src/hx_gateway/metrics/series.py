"""Counters and histograms that cost a request a dictionary entry and are given shape only when somebody asks.

prometheus_client's own take a lock and several calls for each value; these are written by the event loop's thread
alone. What a scrape reads from another thread is copied at once (`list`), which no write can interrupt.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client.registry import CollectorRegistry

Labels = tuple[str, ...]

MOST_SERIES = 2000
"""Sets of label values a family may have; what comes after them is counted with `other` in every label."""

OTHER = "other"


class Counters(Collector):
    """A counter for each set of label values."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str], most: int = MOST_SERIES
    ) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._most = most
        self._rest = (OTHER,) * len(labels)
        self._values: dict[Labels, float] = {}
        registry.register(self)

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Add `amount`, which is not negative."""
        values = self._values
        try:
            values[labels] += amount
        except KeyError:
            if len(values) >= self._most:
                labels = self._rest
            values[labels] = values.get(labels, 0) + amount

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Return the family."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, value in list(self._values.items()):
            family.add_metric(labels, value)
        yield family


class Histograms(Collector):
    """A histogram for each set of label values, with the upper bounds `bounds`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        text: str,
        labels: Sequence[str],
        bounds: Sequence[float],
        most: int = MOST_SERIES // 4,
    ) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._bounds = bounds
        self._ends = [*(repr(float(bound)) for bound in bounds), "+Inf"]
        self._most = most
        self._rest = (OTHER,) * len(labels)
        self._cells: dict[Labels, list[float]] = {}
        """Counts for each bound and for what is above, then the sum."""
        registry.register(self)

    def observe(self, labels: Labels, value: float) -> None:
        """Count `value`."""
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._new(labels)
        cell[bisect_left(self._bounds, value)] += 1
        cell[-1] += value

    def _new(self, labels: Labels) -> list[float]:
        if len(self._cells) >= self._most:
            labels = self._rest
        return self._cells.setdefault(labels, [0] * (len(self._bounds) + 1) + [0.0])

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Return the family."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, cell in list(self._cells.items()):
            *counts, total = cell[:]
            family.add_metric(labels, list(zip(self._ends, accumulate(counts), strict=True)), total)
        yield family
