"""Connections to one origin, kept for the next request."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from hx_gateway.errors import UpstreamTimeoutError, UpstreamUnreachableError
from hx_gateway.upstream.connection import Connection

if TYPE_CHECKING:
    import ssl


class Pool:
    """Hands out the connection used last, so that those too many grow old and are closed.

    `limit` connections at a time, 0 for any number: then those who ask wait in line. Idle ones are kept `keepalive`
    seconds, and none is used again that is `max_age` seconds old, 0 for any age. Names are resolved for each
    connection that is made, so that a change of the DNS is followed within that time.
    """

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, *, limit: int, keepalive: float, max_age: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._port = port
        self._tls = tls
        self._limit = limit
        self._keepalive = keepalive
        self._max_age = max_age
        self._open: set[Connection] = set()
        """Those being made among them."""
        self._promised = 0
        """Slots given to those who waited and have not yet begun to connect."""
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> int:
        """Requests that have a connection or wait for one."""
        return len(self._open) - len(self._idle) + len(self._waiting)

    def take(self) -> Connection | None:
        """Return an idle connection."""
        idle = self._idle
        oldest = self._loop.time() - self._keepalive
        while idle:
            connection = idle.pop()
            if connection.usable and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    async def connect(self, timeout: float, wait: float | None, until: float | None) -> Connection:
        """Make a connection in `timeout` seconds, having waited `wait` for a free slot, both within `until`.

        One that is given back meanwhile will do as well. Raises UpstreamUnreachableError, UpstreamTimeoutError.
        """
        try:
            async with asyncio.timeout_at(until):
                if self._limit and len(self._open) + self._promised >= self._limit:
                    connection = await self._wait(wait)
                    if connection is not None:
                        return connection
                    self._promised -= 1
                return await self._connect(timeout)
        except TimeoutError:
            late = UpstreamTimeoutError()
            late.unsent = True
            raise late from None
        except (OSError, UnicodeError) as error:
            raise UpstreamUnreachableError from error

    def release(self, connection: Connection) -> None:
        """Take a connection back for who needs it next, unless it is too old."""
        now = self._loop.time()
        if self._max_age and now - connection.made_at >= self._max_age:
            connection.abort()  # who waits is let in when it is closed
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        connection.resume_reading()
        connection.idle_since = now
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._keepalive, self._sweep)

    def closed(self, connection: Connection) -> None:
        """Forget a connection that was lost or never came about."""
        if connection in self._open:
            self._open.remove(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._promise()

    async def aclose(self) -> None:
        """Close every connection; refuse those who wait."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(ConnectionAbortedError())
        self._waiting.clear()
        for connection in list(self._open):
            connection.shut()
        await asyncio.sleep(0)  # transports close a step later
        await asyncio.sleep(0)

    async def _connect(self, timeout: float) -> Connection:
        connection = Connection(self._loop, self)
        self._open.add(connection)
        try:
            async with asyncio.timeout(timeout or None):
                await self._loop.create_connection(
                    lambda: connection,
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                )
        except BaseException:
            connection.abort()
            self.closed(connection)
            raise
        return connection

    async def _wait(self, seconds: float | None) -> Connection | None:
        """Wait in line; return a connection, or None for the right to make one, which is then promised."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                connection = await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        if connection is None or connection.usable:
            return connection
        connection.abort()
        return await self._wait(seconds)

    def _pass_on(self, connection: Connection | None) -> None:
        """Give on what came too late for who waited for it."""
        if connection is None:
            self._promised -= 1
            self._promise()
        elif connection.usable:
            self.release(connection)

    def _promise(self) -> None:
        """Let the first in line make a connection."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._promised += 1
                waiter.set_result(None)
                return

    def _sweep(self) -> None:
        """Close what has been idle too long."""
        self._sweeper = None
        oldest = self._loop.time() - self._keepalive
        old = [connection for connection in self._idle if connection.idle_since <= oldest]
        for connection in old:
            connection.abort()
        del self._idle[: len(old)]
        if self._idle:
            self._sweeper = self._loop.call_at(self._idle[0].idle_since + self._keepalive, self._sweep)
