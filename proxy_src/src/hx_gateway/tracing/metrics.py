"""How the spans fare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from hx_gateway.tracing.ended import SpanQueue
    from hx_gateway.tracing.sender import SpanSender


class SpanMetrics(Collector):
    """Reads the queue's and the sender's counts when somebody asks."""

    def __init__(self, queue: SpanQueue, sender: SpanSender) -> None:
        self._queue = queue
        self._sender = sender

    def collect(self) -> Iterator[Metric]:
        """Return the counts."""
        yield GaugeMetricFamily("hx_gateway_spans_queued", "Spans that wait for the collector", len(self._queue))
        yield CounterMetricFamily("hx_gateway_spans_dropped", "Spans that found no room", self._queue.dropped)
        yield CounterMetricFamily("hx_gateway_spans_exported", "Spans the collector has taken", self._sender.exported)
        yield CounterMetricFamily("hx_gateway_spans_failed", "Spans the collector did not take", self._sender.failed)
