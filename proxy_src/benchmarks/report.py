"""Figures as tables: medians over the rounds, and ratios to nginx."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Samples:
    """Values by what they are of."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], list[float]] = defaultdict(list)

    def add(self, *name: str, value: float) -> None:
        """Note one value."""
        self._values[name].append(value)

    def median(self, *name: str) -> float:
        """Return the median; not a number where nothing was measured."""
        values = self._values.get(name)
        return statistics.median(values) if values else float("nan")

    def spread(self, *name: str) -> float:
        """Return how far apart the highest and the lowest are, in % of the median: how noisy it was."""
        values = self._values.get(name)
        if not values:
            return float("nan")
        return (max(values) - min(values)) / statistics.median(values) * 100

    def as_json(self) -> dict[str, list[float]]:
        """Return every value."""
        return {" ".join(name): values for name, values in self._values.items()}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table that reads well as text; numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(head), *cells]) for column in range(len(head))]
    lines = [list(head), [f"{'-' * (widths[0])}", *[f"{'-' * (width - 1)}:" for width in widths[1:]]], *cells]
    return "\n".join(
        "| "
        + " | ".join(
            _pad(cell, width, left=column == 0) for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def _pad(cell: str, width: int, *, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)


def _cell(value: object) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return "-"
        if math.isinf(value):
            return "never"
        return f"{value:.2f}" if abs(value) < 10 else f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
    return str(value)
