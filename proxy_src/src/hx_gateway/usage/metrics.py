"""How the records fare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from hx_gateway.usage.queue import UsageQueue
    from hx_gateway.usage.writer import UsageWriter


class UsageMetrics(Collector):
    """Reads the queue's and the writer's counts when somebody asks."""

    def __init__(self, queue: UsageQueue, writer: UsageWriter) -> None:
        self._queue = queue
        self._writer = writer

    def collect(self) -> Iterator[Metric]:
        """Return the counts."""
        queue, writer = self._queue, self._writer
        yield GaugeMetricFamily("hx_gateway_usage_queued", "Usage records that wait for the database", len(queue))
        yield CounterMetricFamily("hx_gateway_usage_dropped", "Usage records that found no room", queue.dropped)
        yield CounterMetricFamily("hx_gateway_usage_written", "Usage records in the database", writer.written)
        yield CounterMetricFamily("hx_gateway_usage_rejected", "Usage records the database refused", writer.rejected)
        yield CounterMetricFamily("hx_gateway_usage_failures", "Failures to connect or to write", writer.failures)
        yield GaugeMetricFamily("hx_gateway_usage_database_up", "Whether the database is connected", writer.connected)
