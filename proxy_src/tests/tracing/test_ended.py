"""The queue of requests that wait to become spans."""

from __future__ import annotations

from hx_gateway.tracing.ended import SpanQueue
from tracing.test_spans import ENDED


def test_the_oldest_are_dropped_and_counted() -> None:
    queue = SpanQueue(3)
    for status in range(5):
        queue.add(ENDED._replace(status=status))
    assert (len(queue), queue.dropped) == (3, 2)
    assert [request.status for request in queue.take(2)] == [2, 3]
    assert [request.status for request in queue.take(2)] == [4]
    assert queue.take(2) == []
