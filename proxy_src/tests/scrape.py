"""What a gateway's /metrics says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from wire import ask, request

if TYPE_CHECKING:
    from wire import Answer

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


async def page(port: int, *headers: str) -> Answer:
    """Return the answer of the listener."""
    return await ask(port, request("/metrics", headers=["Connection: close", *headers]))


async def samples(port: int) -> Samples:
    """Return all samples: name to labels (in order) to value."""
    answer = await page(port)
    assert answer.status == 200
    found: Samples = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float:
    """Return the one sample of `name` that has `labels`, among others; 0 without one."""
    wanted = set(labels.items())
    values = [value for given, value in found.get(name, {}).items() if wanted <= set(given)]
    assert len(values) <= 1, (name, labels, found[name])
    return values[0] if values else 0
