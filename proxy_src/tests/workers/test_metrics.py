"""The page of several workers: asked, replaced, silent."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from hx_gateway.metrics.merge import as_json
from hx_gateway.workers.channel import answer
from hx_gateway.workers.metrics import AllWorkers

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Worker:
    """What a worker says it measures."""

    def __init__(self, pid: int, counted: int, there: bool = True) -> None:
        self.pid = pid
        self.counted = counted
        self.there = there

    async def __call__(self, _: dict[str, Any]) -> Any:
        if not self.there:
            raise ValueError
        families = [
            CounterMetricFamily("hx_gateway_requests", "text", self.counted),
            GaugeMetricFamily("hx_gateway_streams_open", "text", 1),
            GaugeMetricFamily("process_open_fds", "text", self.pid),
        ]
        return {"pid": self.pid, "families": as_json(families)}


async def shown(workers: AllWorkers) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("worker", "")): sample.value
        for family in (await workers.page()).collect()
        for sample in family.samples
    }


async def test_counts_of_a_worker_outlive_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths = [str(tmp_path / str(number)) for number in range(2)]
    one, two = Worker(10, 5), Worker(11, 7)
    workers = AllWorkers(paths)
    async with AsyncExitStack() as stack:
        stack.callback((await answer(paths[0], one)).close)
        found = await shown(workers)  # the second one is being started
        assert (found["hx_gateway_requests_total", ""], found["hx_gateway_worker_up", "1"]) == (5, 0)
        stack.callback((await answer(paths[1], two)).close)
        found = await shown(workers)
        assert (found["hx_gateway_requests_total", ""], found["hx_gateway_streams_open", ""]) == (12, 2)
        assert (found["process_open_fds", "0"], found["process_open_fds", "1"]) == (10, 11)
        assert found["process_open_fds", "supervisor"] > 0
        two.there = False
        for _ in range(2):
            found = await shown(workers)
            assert (found["hx_gateway_requests_total", ""], found["hx_gateway_streams_open", ""]) == (12, 1)
            assert (found["hx_gateway_worker_up", "0"], found["hx_gateway_worker_up", "1"]) == (1, 0)
            assert ("process_open_fds", "1") not in found
        two.pid, two.counted, two.there = 12, 1, True  # another in its place
        for _ in range(2):
            found = await shown(workers)
            assert (found["hx_gateway_requests_total", ""], found["hx_gateway_worker_up", "1"]) == (13, 1)
    silences = [record for record in caplog.records if record.getMessage() == "worker_silent"]
    assert len(silences) == 2  # said once each time
