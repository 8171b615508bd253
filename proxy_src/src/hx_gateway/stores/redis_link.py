"""Keeps one connection to Redis up, in the background."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from typing import TYPE_CHECKING

from hx_gateway.log import event
from hx_gateway.stores.errors import StoreError, StoreUnavailableError
from hx_gateway.stores.redis_connection import RedisConnection
from hx_gateway.stores.script import pack

if TYPE_CHECKING:
    from hx_gateway.config.redis import RedisSection
    from hx_gateway.stores.redis_url import RedisAddress

_FIRST_DELAY = 0.05
"""Seconds before the first attempt to connect again; each further one takes twice as long."""


class RedisState:
    """How the connection is, for /readyz and metrics."""

    __slots__ = ("calls", "connected", "failures", "reason", "reconnects", "since")

    def __init__(self) -> None:
        self.connected = False
        self.since = time.time()
        """Seconds since the epoch at which `connected` last changed."""
        self.reconnects = 0
        """Times the connection came back after it had been lost."""
        self.reason = "not connected yet"
        """Why it is not connected; empty while it is."""
        self.calls = 0
        """Commands sent."""
        self.failures = 0
        """Commands that got no answer, those refused at once included."""


class RedisLink:
    """Connects, logs in, and connects again when the connection is lost, with growing, randomized pauses."""

    def __init__(self, address: RedisAddress, config: RedisSection) -> None:
        self._address = address
        self._config = config
        self._tls = ssl.create_default_context() if address.tls else None
        self._keeper: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._said = False
        """The log has been told that the connection is away."""
        self._was_connected = False
        self.connection: RedisConnection | None = None
        """The connection, logged in; None while there is none."""
        self.state = RedisState()

    async def start(self) -> None:
        """Begin to connect; return when the first attempt has ended, whichever way."""
        self._keeper = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def aclose(self) -> None:
        """Close the connection once what was submitted is sent."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self.connection is not None:
            self.connection.close()
            self.connection = None  # its end is no loss

    async def _keep(self) -> None:
        """Connect, wait until the connection is lost, and again."""
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        longest = self._config.reconnect_delay_max
        while True:
            lost: asyncio.Future[None] = loop.create_future()
            try:
                async with asyncio.timeout(self._config.connect_timeout):
                    connection = await self._connect(lost)
            except (StoreError, OSError) as error:
                self._gone(_reason(error))
            else:
                began = loop.time()
                self._came(connection)
                await lost
                if self.connection is connection:  # lost between its login and its use
                    self._gone("connection lost")
                if loop.time() - began > longest:
                    delay = _FIRST_DELAY
            self._tried.set()
            await asyncio.sleep(random.uniform(0.5, 1) * delay)  # noqa: S311 - spreads reconnects, hides nothing
            delay = min(delay * 2, longest)

    async def _connect(self, lost: asyncio.Future[None]) -> RedisConnection:
        """Return a connection that has logged in and answered."""
        connection: RedisConnection | None = None

        def on_lost(error: StoreError) -> None:
            if connection is not None and connection is self.connection:
                self._gone(str(error), pending=connection.pending)
            if not lost.done():
                lost.set_result(None)

        address, timeout = self._address, self._config.timeout
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: RedisConnection(timeout, on_lost), address.host, address.port, ssl=self._tls
        )
        try:
            if address.password:
                await connection.send(pack("AUTH", *filter(None, (address.user, address.password))))
            if address.database:
                await connection.send(pack("SELECT", address.database))
            await connection.send(pack("PING"))
        except BaseException as error:
            connection.give_up(StoreUnavailableError(type(error).__name__))
            raise
        return connection

    def _came(self, connection: RedisConnection) -> None:
        state = self.state
        self.connection = connection
        state.connected = True
        if self._was_connected:
            state.reconnects += 1
        self._was_connected = True
        if self._said:
            event("redis_connected", server=repr(self._address), away=round(time.time() - state.since, 1))
        self._said = False
        state.since = time.time()
        state.reason = ""
        self._tried.set()

    def _gone(self, reason: str, pending: int = 0) -> None:
        state = self.state
        self.connection = None
        if state.connected:
            state.since = time.time()
        state.connected = False
        state.reason = reason
        state.failures += pending
        if not self._said:
            self._said = True
            event("redis_unavailable", logging.WARNING, server=repr(self._address), reason=reason)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
