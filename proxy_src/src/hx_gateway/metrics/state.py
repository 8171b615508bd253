"""How the gateway's own parts and its neighbours are, read when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from hx_gateway.log import LogSink
    from hx_gateway.middleware import Services, ServiceState
    from hx_gateway.stores.redis import Redis
    from hx_gateway.upstream.base import Upstream


_UPSTREAM: tuple[tuple[type[GaugeMetricFamily] | type[CounterMetricFamily], str, str, str], ...] = (
    (GaugeMetricFamily, "healthy", "What its last readiness checks said", "healthy"),
    (GaugeMetricFamily, "outstanding", "Requests under way to it", "outstanding"),
    (GaugeMetricFamily, "weight", "Share of the load it is given", "weight"),
    (CounterMetricFamily, "requests", "Requests sent to it", "requests"),
    (CounterMetricFamily, "failures", "Requests it did not answer to the end", "failures"),
    (CounterMetricFamily, "ejections", "How often its circuit opened", "ejections"),
)


class ProcessState(Collector):
    """State of what outlives a reload: the log, the process' life, and where limits are counted."""

    def __init__(self, log: LogSink, state: ServiceState) -> None:
        self._log = log
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Return the state of each."""
        yield CounterMetricFamily("hx_gateway_log_records_dropped", "Log records thrown away", self._log.dropped)
        draining = self._state.draining
        yield GaugeMetricFamily("hx_gateway_draining", "Whether the gateway is shutting down", draining)
        limits = GaugeMetricFamily("hx_gateway_limits_store", "1 for where limits are counted", labels=("store",))
        limits.add_metric((self._state.limits(),), 1)
        yield limits


class StateMetrics(Collector):
    """State of a generation's neighbours: the LiteLLM servers and Redis."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Return the state of each."""
        services = self._services
        yield from _upstream(services.upstream)
        if services.redis is not None:
            yield from _redis(services.redis)


def _upstream(upstream: Upstream) -> Iterator[Metric]:
    states = upstream.snapshot()
    circuits = GaugeMetricFamily("hx_gateway_upstream_circuit", "1 for its state", labels=("upstream", "state"))
    for state in states:
        for name in ("closed", "open", "half_open"):
            circuits.add_metric((state.address, name), state.circuit == name)
    yield circuits
    for kind, name, text, field in _UPSTREAM:
        family = kind(f"hx_gateway_upstream_{name}", text, labels=("upstream",))
        for state in states:
            family.add_metric((state.address,), getattr(state, field))
        yield family
    yield CounterMetricFamily("hx_gateway_upstream_retries", "Requests sent again, to another", upstream.retries)
    yield CounterMetricFamily("hx_gateway_upstream_hedges", "Requests sent to a second as well", upstream.hedges)
    yield CounterMetricFamily("hx_gateway_upstream_hedges_won", "Those it answered first", upstream.hedges_won)


def _redis(redis: Redis) -> Iterator[Metric]:
    state = redis.state
    yield GaugeMetricFamily("hx_gateway_redis_up", "Whether Redis is connected", state.connected)
    yield CounterMetricFamily("hx_gateway_redis_reconnects", "Times the connection came back", state.reconnects)
    yield CounterMetricFamily("hx_gateway_redis_commands", "Commands sent to Redis", state.calls)
    yield CounterMetricFamily("hx_gateway_redis_failures", "Commands that got no answer", state.failures)
    yield GaugeMetricFamily("hx_gateway_redis_pending", "Commands that wait for their reply", redis.pending)
