"""The gateway's connection to Redis: one a worker, kept up in the background, never waited for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import ssl
import time
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from hx_gateway.config import ConfigError
from hx_gateway.log import event
from hx_gateway.stores.errors import StoreError, StoreReplyError, StoreUnavailableError
from hx_gateway.stores.redis_connection import RedisConnection
from hx_gateway.stores.redis_url import VARIABLE, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AsyncExitStack

    from hx_gateway.config.redis import RedisSection
    from hx_gateway.stores.redis_connection import Argument
    from hx_gateway.stores.redis_url import RedisAddress

_FIRST_DELAY = 0.05
"""Seconds before the first attempt to connect again; each further one takes twice as long."""


class Script:
    """A Lua script, named by its SHA-1 as Redis does (EVALSHA)."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


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


class Redis:
    """Sends commands over one pipelined connection.

    While the server is away every call fails at once with StoreUnavailableError, and the connection is tried again
    with growing, randomized pauses. Keys are for the caller to name; all of the gateway's begin with `hx:`.
    """

    def __init__(self, address: RedisAddress, config: RedisSection) -> None:
        self._address = address
        self._config = config
        self._tls = ssl.create_default_context() if address.tls else None
        self._connection: RedisConnection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._said = False
        """The log has been told that the connection is away."""
        self._was_connected = False
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
        connection, self._connection = self._connection, None  # its end is no loss
        if connection is not None:
            connection.close()

    @property
    def pending(self) -> int:
        """Commands that wait for their reply."""
        return self._connection.pending if self._connection is not None else 0

    def submit(self, *args: Argument) -> asyncio.Future[Any]:
        """Send a command; return its reply to come. Raises StoreUnavailableError at once if it cannot be sent."""
        connection = self._connection
        try:
            if connection is None:
                raise StoreUnavailableError(self.state.reason)
            self.state.calls += 1
            return connection.submit(args)
        except StoreUnavailableError:
            self.state.failures += 1
            raise

    async def call(self, *args: Argument) -> Any:
        """Send a command and return its reply: bytes, int, list or None (RESP2).

        Raises StoreReplyError for an error of Redis, StoreTimeoutError after `redis.timeout` seconds,
        StoreUnavailableError without a connection. A caller may be cancelled; the command was sent all the same.
        """
        return await self.submit(*args)

    async def script(self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> Any:
        """Run a Lua script by its hash, or by its text where the server does not have it yet. Raises as `call`."""
        try:
            return await self.submit("EVALSHA", script.sha, len(keys), *keys, *args)
        except StoreReplyError as error:
            if error.code != "NOSCRIPT":
                raise
        return await self.submit("EVAL", script.text, len(keys), *keys, *args)

    def post(self, *args: Argument) -> None:
        """Send a command whose reply nobody waits for; one that cannot be sent, or fails, is counted."""
        with contextlib.suppress(StoreUnavailableError):
            self.submit(*args).add_done_callback(self._posted)

    def post_script(self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> None:
        """Run a script whose reply nobody waits for."""

        def done(future: asyncio.Future[Any]) -> None:
            error = future.exception()
            if isinstance(error, StoreReplyError) and error.code == "NOSCRIPT":
                self.post("EVAL", script.text, len(keys), *keys, *args)
            else:
                self._posted(future)

        with contextlib.suppress(StoreUnavailableError):
            self.submit("EVALSHA", script.sha, len(keys), *keys, *args).add_done_callback(done)

    def _posted(self, future: asyncio.Future[Any]) -> None:
        error = future.exception()
        if isinstance(error, StoreReplyError):
            self.state.failures += 1
            event("redis_refused", logging.DEBUG, code=error.code)

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
                if self._connection is connection:  # lost between its login and its use
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
            if connection is not None and connection is self._connection:
                self._gone(str(error), pending=connection.pending)
            if not lost.done():
                lost.set_result(None)

        address, timeout = self._address, self._config.timeout
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: RedisConnection(timeout, on_lost), address.host, address.port, ssl=self._tls
        )
        try:
            if address.password:
                await connection.submit(("AUTH", *filter(None, (address.user, address.password))))
            if address.database:
                await connection.submit(("SELECT", address.database))
            await connection.submit(("PING",))
        except BaseException as error:
            connection.give_up(StoreUnavailableError(type(error).__name__))
            raise
        return connection

    def _came(self, connection: RedisConnection) -> None:
        state = self.state
        self._connection = connection
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
        self._connection = None
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


async def open_redis(
    config: RedisSection, lifespan: AsyncExitStack, environment: Mapping[str, str] = os.environ
) -> Redis | None:
    """Return the connection that `redis.enabled` asks for, to be closed with `lifespan`; None where it is off.

    Raises ConfigError if REDIS_URL is missing or wrong. A server that is away is no error.
    """
    if not config.enabled:
        return None
    url = environment.get(VARIABLE, "")
    if not url:
        raise ConfigError(f"{VARIABLE}: required in the environment, since redis.enabled is true")
    made = Redis(parse(url), config)
    await made.start()
    lifespan.push_async_callback(made.aclose)
    return made
