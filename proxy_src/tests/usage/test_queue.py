"""A bounded queue that keeps the newest and counts the rest."""

from __future__ import annotations

from hx_gateway.usage.queue import UsageQueue
from usage_record import record


def ids(queue: UsageQueue) -> list[str]:
    return [taken.request_id for taken in queue.take(1000)]


def test_the_oldest_are_dropped_and_counted() -> None:
    queue = UsageQueue(3)
    for number in range(5):
        queue.add(record(number))
    assert (len(queue), queue.dropped) == (3, 2)
    assert ids(queue) == ["req-2", "req-3", "req-4"]


def test_what_is_put_back_is_taken_first() -> None:
    queue = UsageQueue(4)
    for number in range(3):
        queue.add(record(number))
    taken = queue.take(2)
    queue.add(record(3))
    queue.put_back(taken)
    assert (ids(queue), queue.dropped) == (["req-0", "req-1", "req-2", "req-3"], 0)


def test_what_is_put_back_gives_way_to_what_is_newer() -> None:
    queue = UsageQueue(3)
    for number in range(3):
        queue.add(record(number))
    taken = queue.take(3)
    for number in (3, 4):
        queue.add(record(number))
    queue.put_back(taken)
    assert (ids(queue), queue.dropped) == (["req-2", "req-3", "req-4"], 2)
    full = UsageQueue(1)
    full.add(record(1))
    full.put_back([record(0)])
    assert (ids(full), full.dropped) == (["req-1"], 1)


def test_it_says_when_a_batch_has_come_together() -> None:
    queue = UsageQueue(10, batch=3)
    for number in range(2):
        queue.add(record(number))
    assert not queue.batch_ready.is_set()
    queue.add(record(2))
    assert queue.batch_ready.is_set()
