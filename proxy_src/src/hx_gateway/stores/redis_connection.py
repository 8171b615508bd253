"""One connection to Redis, pipelined: commands leave in one write a loop turn, replies come back in order."""

from __future__ import annotations

import asyncio
import socket
from asyncio import Future
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import hiredis

from hx_gateway.stores.errors import StoreReplyError, StoreTimeoutError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.stores.errors import StoreError

    Refused: TypeAlias = Callable[[StoreReplyError], None]

_NOT_YET: Final = object()

_BUFFER_MAX = 8 << 20
"""Bytes that wait to be sent before more is refused: the server does not keep up."""

_GRACE = 0.02
"""Seconds after a deadline in which replies that have arrived can still be read: the late one may be this process."""

LINGER = 0.002
"""Seconds for which a command that nobody waits for may wait for another to leave with."""

_LARGE = 16 << 10
"""Bytes of a command from which it leaves with its loop turn: joining it to others would cost more than it saves."""


class RedisConnection(asyncio.Protocol):
    """Sends packed commands, in order, and gives each its reply.

    There is one timer for all calls, since the oldest is always the first to be late. When it is, the connection is
    given up and with it all that wait behind.
    """

    __slots__ = (
        "_batches",
        "_call_soon",
        "_check_handle",
        "_create_future",
        "_deferred",
        "_flushing",
        "_heirs",
        "_lingering",
        "_loop",
        "_lost",
        "_on_lost",
        "_out",
        "_pending",
        "_reader",
        "_timeout",
        "_transport",
        "_unclaimed",
        "_unwritable",
        "_written",
    )

    def __init__(self, timeout: float, on_lost: Callable[[StoreError], None]) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._create_future = loop.create_future
        self._call_soon = loop.call_soon
        self._timeout = timeout
        self._on_lost = on_lost
        self._reader = hiredis.Reader(replyError=StoreReplyError, notEnoughData=_NOT_YET)
        self._pending: deque[asyncio.Future[Any] | Refused] = deque()
        """For each command without a reply who waits for it, or whom to tell if it is an error."""
        self._heirs: dict[asyncio.Future[Any], Callable[[Any], None]] = {}
        """For callers that were cancelled whom to tell instead."""
        self._unclaimed: dict[asyncio.Future[Any], Any] = {}
        """Replies that came before a caller that was cancelled in the same loop turn could say whom to tell."""
        self._out: list[bytes] = []
        self._deferred: list[Callable[[], None]] = []
        self._flushing = False
        """What is in `_out` leaves at the end of this loop turn."""
        self._lingering = False
        """There is a timer until which posts may wait."""
        self._written = 0
        """Commands handed to the transport."""
        self._batches: deque[tuple[int, float]] = deque()
        """For each write without all its replies the value of `_written` after it, and when it is late."""
        self._transport: asyncio.Transport | None = None
        self._check_handle: asyncio.TimerHandle | None = None
        self._unwritable = False
        self._lost: StoreError | None = None

    @property
    def pending(self) -> int:
        """Commands without a reply."""
        return len(self._pending)

    def send(self, packed: bytes) -> asyncio.Future[Any]:
        """Send a command and return its reply to come. Raises StoreUnavailableError at once if it cannot be sent."""
        if self._unwritable or self._lost is not None:
            raise self._unable()
        future: asyncio.Future[Any] = self._create_future()
        self._out.append(packed)
        self._pending.append(future)
        if not self._flushing:
            self._flushing = True
            self._call_soon(self._flush)
        return future

    def post(self, packed: bytes, refused: Refused) -> None:
        """Send a command whose reply nobody waits for, with the next that is sent or within LINGER.

        `refused` is told of an error of Redis. Raises StoreUnavailableError at once if it cannot be sent.
        """
        if self._unwritable or self._lost is not None:
            raise self._unable()
        self._out.append(packed)
        self._pending.append(refused)
        if not self._flushing:
            if len(packed) >= _LARGE:
                self._flushing = True
                self._call_soon(self._flush)
            elif not self._lingering:
                self._linger()

    def defer(self, callback: Callable[[], None]) -> None:
        """Call `callback`, which may post, once, before the next write or the end, at the latest after LINGER."""
        if self._unwritable or self._lost is not None:
            raise self._unable()
        self._deferred.append(callback)
        if not (self._flushing or self._lingering):
            self._linger()

    def inherit(self, cancelled: asyncio.Future[Any], heir: Callable[[Any], None]) -> None:
        """Tell `heir` the reply, which may be an error of Redis, to a call whose caller has just been cancelled.

        It hears nothing if the connection ends before.
        """
        if cancelled in self._unclaimed:
            heir(self._unclaimed.pop(cancelled))
        elif self._lost is None:
            self._heirs[cancelled] = heir

    def give_up(self, error: StoreError) -> None:
        """Close the connection at once; whoever waits gets `error`."""
        if self._lost is None:
            self._lost = error
            if self._transport is not None:
                self._transport.abort()
            self._fail_all(error)

    def close(self) -> None:
        """Close the connection once what was submitted is sent; whoever waits gets StoreUnavailableError."""
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
        gets, next_waiting = reader.gets, pending.popleft
        try:
            reader.feed(data)
            while (reply := gets()) is not _NOT_YET:
                waiting = next_waiting()
                if isinstance(waiting, Future):
                    if waiting.done():
                        self._bequeath(waiting, reply)
                        continue
                    if isinstance(reply, StoreReplyError):
                        waiting.set_exception(reply)
                    else:
                        waiting.set_result(reply)
                elif isinstance(reply, StoreReplyError):
                    waiting(reply)
        except (hiredis.HiredisError, IndexError):  # not RESP, or a reply nobody asked for
            self.give_up(StoreUnavailableError("the server does not speak Redis's protocol"))
            return
        answered = self._written + len(self._out) - len(pending)
        batches = self._batches
        while batches and batches[0][0] <= answered:
            batches.popleft()

    def _bequeath(self, cancelled: asyncio.Future[Any], reply: Any) -> None:
        """Pass on the reply to a caller that was cancelled."""
        heir = self._heirs.pop(cancelled, None)
        if heir is not None:
            heir(reply)
            return
        if not self._unclaimed:
            self._call_soon(self._unclaimed.clear)  # behind the caller, who learns of it in this turn
        self._unclaimed[cancelled] = reply

    def pause_writing(self) -> None:
        """Refuse what would only wait."""
        self._unwritable = True

    def resume_writing(self) -> None:
        """Accept commands again."""
        self._unwritable = False

    def _unable(self) -> StoreUnavailableError:
        return StoreUnavailableError("Redis does not keep up" if self._lost is None else str(self._lost))

    def _flush(self) -> None:
        if self._deferred:
            self._flushing = True
            self._call_deferred()
        self._flushing = False
        out = self._out
        if not out or self._transport is None or self._lost is not None:
            return
        self._out = []
        self._written += len(out)
        deadline = self._loop.time() + self._timeout
        self._batches.append((self._written, deadline))
        if self._check_handle is None:
            self._check_handle = self._loop.call_at(deadline, self._check)
        self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _call_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for callback in deferred:
            callback()

    def _linger(self) -> None:
        # never cancelled: it fires a few hundred times a second at the most, a cancelled timer costs each request
        self._lingering = True
        self._loop.call_later(LINGER, self._lingered)

    def _lingered(self) -> None:
        self._lingering = False
        if not self._flushing:
            self._flush()

    def _check(self) -> None:
        self._check_handle = None
        if not self._batches:
            return
        last, deadline = self._batches[0]
        if deadline > self._loop.time():
            self._check_handle = self._loop.call_at(deadline, self._check)
        else:
            self._check_handle = self._loop.call_later(_GRACE, self._judge, last)

    def _judge(self, late: int) -> None:
        if self._batches and self._batches[0][0] == late:
            self.give_up(StoreTimeoutError(f"no reply within {self._timeout:g} s"))
        else:
            self._check()

    def _fail_all(self, error: StoreError) -> None:
        if self._check_handle is not None:
            self._check_handle.cancel()
            self._check_handle = None
        self._on_lost(error)
        for waiting in self._pending:
            if isinstance(waiting, asyncio.Future) and not waiting.done():
                waiting.set_exception(type(error)(str(error)))
        self._pending.clear()
        self._heirs.clear()
        self._batches.clear()
        self._out.clear()
        self._call_deferred()  # what they post is refused; they know that they were called
