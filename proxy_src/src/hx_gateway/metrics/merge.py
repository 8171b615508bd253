"""Metrics of several sources as one: of the workers of a gateway, or of the generations of a process."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class How(enum.Enum):
    """What several values of the same series become."""

    SUM = "sum"
    MOST = "most"
    LEAST = "least"
    EACH = "each"
    """Nothing: each worker's is shown, with the label `worker`."""


_GAUGES: Final = {
    "http_server_active_requests": How.SUM,
    "hx_gateway_streams_open": How.SUM,
    "hx_gateway_upstream_outstanding": How.SUM,
    "hx_gateway_redis_pending": How.SUM,
    "hx_gateway_usage_queued": How.SUM,
    "hx_gateway_spans_queued": How.SUM,
    # what is wrong in one of them is wrong
    "hx_gateway_upstream_healthy": How.LEAST,
    "hx_gateway_upstream_weight": How.LEAST,
    "hx_gateway_redis_up": How.LEAST,
    "hx_gateway_usage_database_up": How.LEAST,
    # 1 where it is so in one of them
    "hx_gateway_upstream_circuit": How.MOST,
    "hx_gateway_limits_store": How.MOST,
    "hx_gateway_draining": How.MOST,
    "hx_gateway_build_info": How.MOST,
}

_COUNTED: Final = frozenset({"counter", "histogram"})


def how(family: Metric) -> How:
    """Return how the values of `family` are put together; gauges nobody has thought of are shown for each worker."""
    if family.name in _GAUGES:
        return _GAUGES[family.name]
    # a process is a worker, whatever is counted of it
    if family.name.startswith(("process_", "python_")) or family.name == "hx_gateway_event_loop_lag_seconds":
        return How.EACH
    return How.SUM if family.type in _COUNTED else How.EACH


def is_count(family: Metric) -> bool:
    """Say whether `family` only ever grows, and must not shrink because a source of it has ended."""
    return family.type in _COUNTED and how(family) is How.SUM


_PUT: Final[dict[How, Callable[[float, float], float]]] = {
    How.SUM: lambda old, new: old + new,
    How.MOST: max,
    How.LEAST: min,
    How.EACH: lambda _, new: new,
}

_Series = tuple[str, tuple[tuple[str, str], ...]]


class Tally:
    """Families, with what several sources say put together."""

    def __init__(self) -> None:
        self._families: dict[str, tuple[Metric, dict[_Series, float]]] = {}

    def __bool__(self) -> bool:
        return bool(self._families)

    def add(self, families: Iterable[Metric], worker: str | None = None) -> None:
        """Add what one source says; `worker` names it where values stand for themselves."""
        for family in families:
            way = how(family)
            put, label = _PUT[way], worker if way is How.EACH else None
            if family.name not in self._families:
                self._families[family.name] = Metric(family.name, family.documentation, family.type, family.unit), {}
            values = self._families[family.name][1]
            for sample in family.samples:
                labels = sample.labels if label is None else {"worker": label, **sample.labels}
                series = (sample.name, tuple(labels.items()))
                values[series] = put(values[series], sample.value) if series in values else sample.value

    def collect(self) -> Iterator[Metric]:
        """Return the families (a registry, to prometheus_client's encoders)."""
        for family, values in self._families.values():
            whole = Metric(family.name, family.documentation, family.type, family.unit)
            for (name, labels), value in values.items():
                whole.add_sample(name, dict(labels), value)
            yield whole


def as_json(families: Iterable[Metric]) -> list[Any]:
    """Return `families` as a document."""
    return [
        [
            *(family.name, family.documentation, family.type, family.unit),
            [[sample.name, sample.labels, sample.value] for sample in family.samples],
        ]
        for family in families
    ]


def from_json(document: list[Any]) -> list[Metric]:
    """Return the families in a document that `as_json` made."""
    found = []
    for name, text, kind, unit, samples in document:
        family = Metric(name, text, kind, unit)
        for sample, labels, value in samples:
            # JSON has no word for what is not a number
            family.add_sample(sample, labels, float("nan") if value is None else value)
        found.append(family)
    return found
