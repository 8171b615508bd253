"""What is measured of the process itself."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import resource
import time
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from hx_gateway import __version__
from hx_gateway.metrics.series import Histograms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

_STARTED: Final = time.time()
_PAGE: Final = resource.getpagesize()

_LAG_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_LAG_INTERVAL: Final = 0.25


class ProcessMetrics(Collector):
    """The process_* metrics that Prometheus' client libraries agree on, and build information.

    prometheus_client's own collector needs /proc/stat, which a unit with ProcSubset=pid does not have.
    """

    def collect(self) -> Iterator[Metric]:
        """Return what the kernel says."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - no object for a path that never changes
            virtual, resident, *_ = statm.read().split()
        info = GaugeMetricFamily("hx_gateway_build_info", "Version of the gateway", labels=("version", "python"))
        info.add_metric((__version__, platform.python_version()), 1)
        yield info
        yield CounterMetricFamily("process_cpu_seconds", "CPU time spent", usage.ru_utime + usage.ru_stime)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory", int(resident) * _PAGE)
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory", int(virtual) * _PAGE)
        yield GaugeMetricFamily("process_start_time_seconds", "Start, in seconds since the epoch", _STARTED)
        yield GaugeMetricFamily(
            "process_open_fds", "Open file descriptors", sum(1 for _ in os.scandir("/proc/self/fd"))
        )
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        yield GaugeMetricFamily("process_max_fds", "File descriptors that may be open", limit)
        collections = CounterMetricFamily("python_gc_collections", "Garbage collections", labels=("generation",))
        for generation, stats in enumerate(gc.get_stats()):
            collections.add_metric((str(generation),), stats["collections"])
        yield collections


class LoopLag:
    """Measures how late the event loop runs a timer: what every request waits for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histograms(
            registry, "hx_gateway_event_loop_lag_seconds", "How late the event loop runs a timer", (), _LAG_BOUNDS
        )
        self._loop = asyncio.get_running_loop()
        self._plan()

    def _plan(self) -> None:
        self._due = self._loop.time() + _LAG_INTERVAL
        self._timer = self._loop.call_at(self._due, self._measure)

    def _measure(self) -> None:
        self._lag.observe((), max(0.0, self._loop.time() - self._due))
        self._plan()

    def close(self) -> None:
        """Stop measuring."""
        self._timer.cancel()
