"""The gateway's commands to Redis: over one connection a worker, which is never waited for."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from hx_gateway.config import ConfigError
from hx_gateway.log import event
from hx_gateway.stores.errors import StoreReplyError, StoreUnavailableError
from hx_gateway.stores.redis_link import RedisLink
from hx_gateway.stores.redis_url import VARIABLE, parse
from hx_gateway.stores.script import pack

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AsyncExitStack

    from hx_gateway.config.redis import RedisSection
    from hx_gateway.stores.redis_connection import RedisConnection
    from hx_gateway.stores.script import Argument, Script


class Redis:
    """Sends commands over one pipelined connection.

    While the server is away every call fails at once with StoreUnavailableError. Keys are for the caller to name; all
    of the gateway's begin with `hx:`. What is called leaves with the loop turn; what is posted leaves with it, or
    within `redis_connection.LINGER` seconds. Either way in the order in which it was said.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self.state = link.state

    @property
    def pending(self) -> int:
        """Commands that wait for their reply."""
        connection = self._link.connection
        return connection.pending if connection is not None else 0

    def send(self, packed: bytes) -> asyncio.Future[Any]:
        """Send a packed command; return its reply to come. Raises StoreUnavailableError at once if it cannot be sent.

        Who does not wait for the reply after all must `forget` it.
        """
        connection = self._link.connection or self._away()
        try:
            future = connection.send(packed)
        except StoreUnavailableError:
            self.state.failures += 1
            raise
        self.state.calls += 1
        return future

    def inherit(self, cancelled: asyncio.Future[Any], heir: Callable[[Any], None]) -> None:
        """Tell `heir` the reply to what was sent for a caller that has just been cancelled, if one comes."""
        if self._link.connection is not None:
            self._link.connection.inherit(cancelled, heir)

    async def call(self, *args: Argument) -> Any:
        """Send a command and return its reply: bytes, int, list or None (RESP2).

        Raises StoreReplyError for an error of Redis, StoreTimeoutError after `redis.timeout` seconds,
        StoreUnavailableError without a connection. A caller may be cancelled; the command was sent all the same.
        """
        return await self.send(pack(*args))

    async def script(self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> Any:
        """Run a Lua script by its hash, or by its text where the server does not have it yet. Raises as `call`."""
        try:
            return await self.send(script.named(keys, args))
        except StoreReplyError as error:
            return await self.teach(error, script, keys, args)

    async def teach(
        self, error: StoreReplyError, script: Script, keys: Sequence[Argument], args: Sequence[Argument]
    ) -> Any:
        """Run a script by its text if `error` says that the server does not have it, else raise that."""
        if error.code != "NOSCRIPT":
            raise error
        return await self.send(script.spelled(keys, args))

    def post(self, *args: Argument) -> None:
        """Send a command whose reply nobody waits for; one that cannot be sent, or fails, is counted."""
        self.post_packed(pack(*args), self._refused)

    def post_script(self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> None:
        """Run a script whose reply nobody waits for."""
        self.post_packed(script.named(keys, args), partial(self._untaught, script, keys, args))

    def post_packed(self, packed: bytes, refused: Callable[[StoreReplyError], None]) -> None:
        """Send a packed command whose reply nobody waits for; `refused` is told of an error of Redis."""
        connection = self._link.connection
        try:
            if connection is None:
                raise StoreUnavailableError
            connection.post(packed, refused)
        except StoreUnavailableError:
            self.state.failures += 1
        else:
            self.state.calls += 1

    def defer(self, callback: Callable[[], None]) -> None:
        """Call `callback`, which posts what has gathered meanwhile, before the next commands leave, or at once."""
        connection = self._link.connection
        try:
            if connection is None:
                raise StoreUnavailableError
            connection.defer(callback)
        except StoreUnavailableError:
            callback()

    def _away(self) -> RedisConnection:
        self.state.failures += 1
        raise StoreUnavailableError(self.state.reason)

    def _refused(self, error: StoreReplyError) -> None:
        self.state.failures += 1
        event("redis_refused", logging.DEBUG, code=error.code)

    def _untaught(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], error: StoreReplyError
    ) -> None:
        if error.code == "NOSCRIPT":
            self.post_packed(script.spelled(keys, args), self._refused)
        else:
            self._refused(error)


def forget(reply: asyncio.Future[Any]) -> None:
    """Let go of a reply that nobody waits for any more, an error included."""
    if not reply.cancel() and not reply.cancelled():
        reply.exception()


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
    link = RedisLink(parse(url), config)
    await link.start()
    lifespan.push_async_callback(link.aclose)
    return Redis(link)
