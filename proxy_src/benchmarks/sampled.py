"""Runs hx-gateway and samples, at every tick of its CPU time, which function is at work.

sampled.py REPORT ARGUMENTS...   writes REPORT (JSON) at the end: rooms and functions with the share of samples
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hx_gateway.cli import main

if TYPE_CHECKING:
    from types import FrameType

_INTERVAL = 0.001
"""Seconds of CPU time; the kernel rounds it up to its tick."""
_HOME = "/hx_gateway/"

_rooms: Counter[str] = Counter()
_functions: Counter[str] = Counter()


def _sample(_: int, frame: FrameType | None) -> None:
    if frame is None:
        return
    _functions[_name(frame)] += 1
    at: FrameType | None = frame
    while at is not None and _HOME not in at.f_code.co_filename:
        at = at.f_back
    _rooms[_short(at.f_code.co_filename) if at is not None else "event loop and server, outside the gateway"] += 1


def _name(frame: FrameType) -> str:
    return f"{_short(frame.f_code.co_filename)}:{frame.f_code.co_qualname}"


def _short(path: str) -> str:
    for mark in (_HOME, "/site-packages/", "/lib/python"):
        if mark in path:
            return path.rpartition(mark)[2]
    return path


def _shares(counts: Counter[str], most: int) -> dict[str, float]:
    total = sum(counts.values()) or 1
    return {name: round(count / total, 4) for name, count in counts.most_common(most)}


if __name__ == "__main__":
    report = Path(sys.argv[1])
    signal.signal(signal.SIGPROF, _sample)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    status = main(sys.argv[2:])
    signal.setitimer(signal.ITIMER_PROF, 0)
    report.write_text(
        json.dumps(
            {
                "samples": sum(_functions.values()),
                "rooms": _shares(_rooms, 40),
                "functions": _shares(_functions, 40),
            }
        )
    )
    sys.exit(status)
