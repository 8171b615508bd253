"""Several sources as one: sums, extremes, and what stands for itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from hx_gateway.metrics.merge import _GAUGES, How, Tally, as_json, from_json, how, is_count
from scrape import page

from redis_server import RedisServer
from running import gateway
from wire import upstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def shown(*sources: Sequence[Metric]) -> dict[tuple[str, ...], float]:
    tally = Tally()
    for number, families in enumerate(sources):
        tally.add(families, str(number))
    return {
        (sample.name, *(f"{key}={text}" for key, text in sample.labels.items())): sample.value
        for family in tally.collect()
        for sample in family.samples
    }


def counter(**values: float) -> Metric:
    family = CounterMetricFamily("c", "text", labels=("k",))
    for label, number in values.items():
        family.add_metric((label,), number)
    return family


def test_counts_are_summed_series_by_series() -> None:
    bins = HistogramMetricFamily("h", "text", buckets=[("1.0", 2), ("+Inf", 3)], sum_value=4.5)
    assert shown([counter(a=1, b=2), bins], [counter(b=3, c=4), bins]) == {
        ("c_total", "k=a"): 1,
        ("c_total", "k=b"): 5,
        ("c_total", "k=c"): 4,
        ("h_bucket", "le=1.0"): 4,
        ("h_bucket", "le=+Inf"): 6,
        ("h_count",): 6,
        ("h_sum",): 9.0,
    }


def test_gauges_are_put_together_by_what_they_mean() -> None:
    names = ("hx_gateway_streams_open", "hx_gateway_redis_up", "hx_gateway_draining", "unheard_of")
    one, two = ([GaugeMetricFamily(name, "text", number) for name in names] for number in (1, 0))
    assert shown(one, two) == {
        ("hx_gateway_streams_open",): 1,
        ("hx_gateway_redis_up",): 0,
        ("hx_gateway_draining",): 1,
        ("unheard_of", "worker=0"): 1,
        ("unheard_of", "worker=1"): 0,
    }


def test_a_process_stands_for_itself() -> None:
    for family in (
        CounterMetricFamily("process_cpu_seconds", "text"),
        CounterMetricFamily("python_gc_collections", "text"),
        HistogramMetricFamily("hx_gateway_event_loop_lag_seconds", "text"),
    ):
        assert how(family) is How.EACH
        assert not is_count(family)


def test_families_travel_as_json() -> None:
    gauge = GaugeMetricFamily("g", "text", float("nan"), unit="")
    families = from_json(orjson.loads(orjson.dumps(as_json([counter(a=1), gauge]))))
    assert families[0] == counter(a=1)
    assert math.isnan(families[1].samples[0].value)


async def test_every_gauge_has_been_thought_of(monkeypatch: pytest.MonkeyPatch) -> None:
    on: dict[str, Any] = {"metrics": {"enabled": True, "listen": {"port": 0}}, "redis": {"enabled": True}}
    on["tracing"] = {"enabled": True, "endpoint": "http://127.0.0.1:1/v1/traces"}
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        monkeypatch.setenv("DATABASE_URL", "postgresql://u@127.0.0.1:1/d")
        async with upstream() as up, gateway(up.url, usage={"enabled": True}, **on) as gw:
            text = (await page(gw.metrics_port)).body.decode()
    gauges = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE") and line.endswith(" gauge")}
    assert {name for name in gauges if not name.startswith("process_")} == set(_GAUGES)
