"""One connection to Redis, pipelined: commands leave in one write a loop turn, replies come back in order."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import hiredis

from hx_gateway.stores.errors import StoreReplyError, StoreTimeoutError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.stores.errors import StoreError

Argument: TypeAlias = str | bytes | int | float

_NOT_YET: Final = object()

_BUFFER_MAX = 8 << 20
"""Bytes that wait to be sent before more is refused: the server does not keep up."""

_GRACE = 0.02
"""Seconds after a deadline in which replies that have arrived can still be read: the late one may be this process."""


class RedisConnection(asyncio.Protocol):
    """Sends commands and gives each its reply.

    There is one timer for all calls, since the oldest is always the first to be late. When it is, the connection is
    given up and with it all that wait behind.
    """

    __slots__ = (
        "_check_handle",
        "_loop",
        "_lost",
        "_on_lost",
        "_out",
        "_pending",
        "_reader",
        "_timeout",
        "_transport",
        "_unwritable",
    )

    def __init__(self, timeout: float, on_lost: Callable[[StoreError], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._on_lost = on_lost
        self._reader = hiredis.Reader(replyError=StoreReplyError, notEnoughData=_NOT_YET)
        self._pending: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._check_handle: asyncio.TimerHandle | None = None
        self._unwritable = False
        self._lost: StoreError | None = None

    @property
    def pending(self) -> int:
        """Calls that wait for a reply."""
        return len(self._pending)

    def submit(self, args: tuple[Argument, ...]) -> asyncio.Future[Any]:
        """Send a command and return its reply to come. Raises StoreUnavailableError at once if it cannot be sent."""
        if self._lost is not None or self._unwritable:
            raise StoreUnavailableError("Redis does not keep up" if self._lost is None else str(self._lost))
        packed = hiredis.pack_command(args)  # type: ignore[arg-type]  # its stub lacks float
        future: asyncio.Future[Any] = self._loop.create_future()
        deadline = self._loop.time() + self._timeout
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(packed)
        self._pending.append((future, deadline))
        if self._check_handle is None:
            self._check_handle = self._loop.call_at(deadline, self._check)
        return future

    def give_up(self, error: StoreError) -> None:
        """Close the connection at once; whoever waits gets `error`."""
        if self._lost is None:
            self._lost = error
            if self._transport is not None:
                self._transport.abort()
            self._fail_all(error)

    def close(self) -> None:
        """Close the connection once what was submitted is sent; whoever waits gets StoreUnavailableError."""
        if self._out:
            self._flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport = transport
        transport.set_write_buffer_limits(high=_BUFFER_MAX)
        channel = transport.get_extra_info("socket")
        if channel is not None:  # an idle connection that a firewall forgot is noticed before a request needs it
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if self._lost is None:
            self._lost = StoreUnavailableError("connection lost" if exc is None else f"connection lost: {exc}")
            self._fail_all(self._lost)

    def data_received(self, data: bytes) -> None:
        """Hand out the replies that `data` completes."""
        reader, pending = self._reader, self._pending
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _NOT_YET:
                future, _ = pending.popleft()
                if future.done():  # its caller was cancelled
                    continue
                if isinstance(reply, StoreReplyError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except (hiredis.HiredisError, IndexError):  # not RESP, or a reply nobody asked for
            self.give_up(StoreUnavailableError("the server does not speak Redis's protocol"))

    def pause_writing(self) -> None:
        """Refuse what would only wait."""
        self._unwritable = True

    def resume_writing(self) -> None:
        """Accept commands again."""
        self._unwritable = False

    def _flush(self) -> None:
        out = self._out
        if self._transport is not None and self._lost is None:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        self._out = []

    def _check(self) -> None:
        self._check_handle = None
        if not self._pending:
            return
        first, deadline = self._pending[0]
        if deadline > self._loop.time():
            self._check_handle = self._loop.call_at(deadline, self._check)
        else:
            self._check_handle = self._loop.call_later(_GRACE, self._judge, first)

    def _judge(self, late: asyncio.Future[Any]) -> None:
        if self._pending and self._pending[0][0] is late:
            self.give_up(StoreTimeoutError(f"no reply within {self._timeout:g} s"))
        else:
            self._check()

    def _fail_all(self, error: StoreError) -> None:
        if self._check_handle is not None:
            self._check_handle.cancel()
            self._check_handle = None
        self._on_lost(error)
        for future, _ in self._pending:
            if not future.done():
                future.set_exception(type(error)(str(error)))
        self._pending.clear()
