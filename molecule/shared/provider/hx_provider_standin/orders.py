"""Orders a test gives the stand-in: to fail, to be slow, to answer in so many pieces.

They are words such as ``error:500``, ``sleep:2``, ``sleep:300ms`` or ``chunks:5:200ms``, looked for in the header
X-Standin, the model's name and the text that was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = "X-Standin"
# Bounds what a test can ask for, so that a slip does not block a server for long.
LONGEST = 120.0
_DURATION = r"(\d+(?:\.\d+)?)(ms|s)?"
_ERROR = re.compile(r"\berror:(\d{3})\b")
_SLEEP = re.compile(rf"\bsleep:{_DURATION}\b")
_CHUNKS = re.compile(rf"\bchunks:(\d+)(?::{_DURATION})?\b")
_CUT = re.compile(r"\bcut:(\d+)\b")
# Orders stand near the front; a long text is not searched for them.
SEARCHED_CHARACTERS = 2000


@dataclass(frozen=True)
class Orders:
    """What was asked for: a status to fail with, waits in seconds, how a stream is cut."""

    error: int | None = None
    sleep: float = 0.0
    chunks: int | None = None
    between: float = 0.0
    cut_after: int | None = None


def _seconds(number: str | None, unit: str | None) -> float:
    value = float(number or 0)
    return min(value / 1000 if unit == "ms" else value, LONGEST)


def read(*texts: str | None) -> Orders:
    """Read the orders in some texts; the first text that has an order of a kind decides it."""
    text = "\n".join((each or "")[:SEARCHED_CHARACTERS] for each in texts)
    error, sleep, chunks, cut = (pattern.search(text) for pattern in (_ERROR, _SLEEP, _CHUNKS, _CUT))
    return Orders(
        error=int(error[1]) if error and 400 <= int(error[1]) <= 599 else None,
        sleep=_seconds(sleep[1], sleep[2]) if sleep else 0.0,
        chunks=int(chunks[1]) if chunks else None,
        between=_seconds(chunks[2], chunks[3]) if chunks else 0.0,
        cut_after=int(cut[1]) if cut else None,
    )
