"""Notices clients that leave while nothing is read from them, of whom the event loop tells nothing."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    OnDeparture = Callable[[bool], None]
    """Called with whether the connection was reset; if not, its client has said that nothing more will come."""


class Departures:
    """Watches connections with an epoll of its own (epoll(7)), which the loop watches: two system calls for each.

    Each change is told once (EPOLLET), however long it takes until somebody reads.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll: select.epoll | None = None
        self._watched: dict[int, OnDeparture] = {}

    def watch(self, transport: asyncio.Transport, on_departure: OnDeparture) -> int | None:
        """Call `on_departure` when the other end leaves; return what `forget` takes, None where there is nothing."""
        channel = transport.get_extra_info("socket")
        if channel is None or channel.fileno() < 0:
            return None
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)
        number: int = channel.fileno()
        self._watched[number] = on_departure
        self._epoll.register(number, select.EPOLLRDHUP | select.EPOLLET)
        return number

    def forget(self, number: int) -> None:
        """Watch no more; before the connection's file descriptor is closed."""
        if self._watched.pop(number, None) is not None and self._epoll is not None:
            self._epoll.unregister(number)

    def close(self) -> None:
        """Watch nothing more."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
            self._watched.clear()

    def _look(self) -> None:
        if self._epoll is None:
            return
        for number, events in self._epoll.poll(0):
            on_departure = self._watched.get(number)
            if on_departure is not None:
                on_departure(bool(events & select.EPOLLERR))
