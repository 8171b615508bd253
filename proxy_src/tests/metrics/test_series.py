"""Counters and histograms as prometheus_client writes them, and their bounds."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from hx_gateway.metrics.series import Counters, Histograms


def test_they_are_written_as_prometheus_clients_own() -> None:
    ours, theirs = CollectorRegistry(auto_describe=False), CollectorRegistry()
    counters = Counters(ours, "a", "text", ("x", "y"))
    histograms = Histograms(ours, "h", "text", ("x",), (0.5, 1, 2))
    counter = Counter("a", "text", ("x", "y"), registry=theirs)
    histogram = Histogram("h", "text", ("x",), buckets=(0.5, 1, 2), registry=theirs)
    for labels, amount in ((("1", 'q"\n\\'), 1), (("1", "3"), 2.5), (("1", 'q"\n\\'), 3)):
        counters.add(labels, amount)
        counter.labels(*labels).inc(amount)
    for label in ("l", "m"):
        for number in (0, 0.5, 0.50001, 1, 2, 7.25):
            histograms.observe((label,), number)
            histogram.labels(label).observe(number)
    wanted = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == wanted


def test_a_family_has_a_bound() -> None:
    registry = CollectorRegistry(auto_describe=False)
    counters = Counters(registry, "a", "text", ("x",), most=3)
    histograms = Histograms(registry, "h", "text", ("x",), (1,), most=3)
    for number in range(1000):
        counters.add((str(number),))
        histograms.observe((str(number),), 0)
    text = generate_latest(registry).decode().splitlines()
    assert len([line for line in text if line.startswith("a_total{")]) == 4
    assert 'a_total{x="other"} 997.0' in text
    assert 'a_total{x="2"} 1.0' in text
    assert len([line for line in text if line.startswith("h_count{")]) == 4
    assert 'h_count{x="other"} 997.0' in text
