"""How the gateway's own parts and its neighbours are, read when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from hx_gateway.middleware import Services
    from hx_gateway.stores.redis import Redis


class StateMetrics(Collector):
    """State of the log, of the process' life, of the limits, and of Redis."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Return the state of each."""
        services = self._services
        dropped = services.log.dropped
        yield CounterMetricFamily("hx_gateway_log_records_dropped", "Log records thrown away", dropped)
        draining = services.state.draining
        yield GaugeMetricFamily("hx_gateway_draining", "Whether the gateway is shutting down", draining)
        limits = GaugeMetricFamily("hx_gateway_limits_store", "1 for where limits are counted", labels=("store",))
        limits.add_metric((services.state.limits(),), 1)
        yield limits
        if services.redis is not None:
            yield from _redis(services.redis)


def _redis(redis: Redis) -> Iterator[Metric]:
    state = redis.state
    yield GaugeMetricFamily("hx_gateway_redis_up", "Whether Redis is connected", state.connected)
    yield CounterMetricFamily("hx_gateway_redis_reconnects", "Times the connection came back", state.reconnects)
    yield CounterMetricFamily("hx_gateway_redis_commands", "Commands sent to Redis", state.calls)
    yield CounterMetricFamily("hx_gateway_redis_failures", "Commands that got no answer", state.failures)
    yield GaugeMetricFamily("hx_gateway_redis_pending", "Commands that wait for their reply", redis.pending)
