"""Lines for what never became a request: one each, and in a flood not many."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from hx_gateway.log import LogSink
from hx_gateway.refusal import Refusal
from hx_gateway.refusal_log import RefusalLog

if TYPE_CHECKING:
    import pytest

REFUSAL = Refusal("req-1", "malformed_request", 400, "192.0.2.1")


def lines(seconds: list[float], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what is written of refusals at these times."""
    fd = os.memfd_create("access-log")
    sink = LogSink(fd, interval=0.01)
    log = RefusalLog(sink)
    for second in seconds:
        monkeypatch.setattr(time, "monotonic", lambda second=second: second)
        log.write(REFUSAL)
    monkeypatch.undo()
    sink.close()
    os.lseek(fd, 0, os.SEEK_SET)
    found = [json.loads(line) for line in os.read(fd, 1 << 20).splitlines()]
    os.close(fd)
    return found


def test_a_line_says_who_was_refused_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = lines([7.0], monkeypatch)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "event": "refused",
        "id": "req-1",
        "client": "192.0.2.1",
        "reason": "malformed_request",
        "status": 400,
        "unlogged": 0,
    }


def test_a_flood_is_counted_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines([7.0] * 1000 + [7.9, 8.0, 8.5], monkeypatch)
    assert [line["unlogged"] for line in found] == [0] * 100 + [901, 0]
