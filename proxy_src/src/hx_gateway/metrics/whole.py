"""All that a process measures: what outlives a reload, and what each generation counts for itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hx_gateway.metrics.merge import How, Tally, how, is_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry


class WholeProcess:
    """Looks like a registry to prometheus_client's encoders, which call it from another thread.

    No counter goes back when a reload ends a generation: what it has counted stays, even where the next one has
    nothing of the kind.
    """

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own
        self._generations: list[CollectorRegistry] = []
        self._past = Tally()
        self._lock = threading.Lock()

    def begin(self, registry: CollectorRegistry) -> None:
        """Show what a generation measures, and from here on its state in place of the last one's."""
        with self._lock:
            self._generations.append(registry)

    def end(self, registry: CollectorRegistry) -> None:
        """Keep what a generation that is over has counted."""
        with self._lock:
            self._generations.remove(registry)
            self._past.add(family for family in registry.collect() if is_count(family))

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        with self._lock:
            *older, current = self._generations or [self._own]
            if not older and not self._past:
                families = list(current.collect())
            else:
                tally = Tally()
                tally.add(self._past.collect())
                for registry in older:  # its last requests are under way
                    tally.add(family for family in registry.collect() if how(family) is How.SUM)
                tally.add(current.collect())
                families = list(tally.collect())
        if current is not self._own:
            families += self._own.collect()
        yield from families
