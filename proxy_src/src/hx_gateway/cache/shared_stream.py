"""One stream read once, for several readers: each gets all of it, from its first piece on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hx_gateway.errors import UpstreamBrokenError
from hx_gateway.message import is_pouring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from hx_gateway.message import Pouring, Sink, Stream
    from hx_gateway.outcome import Outcome

_AHEAD: Final = 65536
"""Bytes that are read ahead of the fastest reader."""


class SharedStream:
    """Takes `source` as fast as its fastest reader takes it, until the last reader has left.

    A source that pours does so into this; any other is read by a task. Up to `keep` bytes are kept, so that a reader
    may join late. `on_end` is told the pieces if the source came to its end and all of them were kept, else None; it
    is called once, before any reader sees the end.
    """

    def __init__(self, source: Stream, keep: int, on_end: Callable[[Sequence[bytes] | None], None]) -> None:
        self._source = source
        self._keep = keep
        self._on_end: Callable[[Sequence[bytes] | None], None] | None = on_end
        self._pieces: list[bytes] = []  # a deque takes 700 bytes for itself
        self._dropped = 0
        self._size = 0
        self._held = False
        """The source waits for the readers."""
        self._readers: list[Reader] = []
        self.ended = False
        self.error: Exception | None = None
        self._pouring: Pouring | None = source if is_pouring(source) else None
        self._room: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        if self._pouring is not None:
            self._pouring.pour(self)
        else:
            self._room = asyncio.Event()
            self._task = asyncio.create_task(self._pump(self._room))

    @property
    def is_joinable(self) -> bool:
        """Whether a reader that comes late can have all of it."""
        return not self.ended and self.error is None and self._size <= self._keep

    def reader(self, outcome: Outcome | None = None) -> Reader:
        """Return another reader, which stands before the first piece; `outcome` is that of its request."""
        reader = Reader(self, outcome)
        self._readers.append(reader)
        return reader

    def piece(self, index: int) -> bytes | None:
        """Return the piece of that number, counted from the first of all; None if it has not come yet."""
        index -= self._dropped
        return self._pieces[index] if index < len(self._pieces) else None

    def moved(self) -> None:
        """Know that a reader has taken a piece."""
        if self._size > self._keep:
            self._forget()
        if self._held and not self._is_full():
            self._held = False
            if self._pouring is not None:
                self._pouring.resume()
            elif self._room is not None:
                self._room.set()

    async def leave(self, reader: Reader) -> None:
        """Know that a reader needs nothing more; without any the source is closed, unless it has ended."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        if self._readers:
            self._pass_on_costs(reader)
            self.moved()
            return
        # let go of here: what it ends with refers to its frame, which refers to this
        task, self._task = self._task, None
        if not self.ended:
            # who comes while the source is being closed must not take what there is for the whole
            self.error = UpstreamBrokenError()
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        self._finish(whole=False)
        await self._source.aclose()
        if not self._readers:
            self.error = None  # it refers to the frames that it was raised in

    def feed(self, piece: bytes) -> None:
        """Take a piece of the source, for the readers."""
        number = self._dropped + len(self._pieces)
        self._pieces.append(piece)
        self._size += len(piece)
        for reader in self._readers:
            reader.take(piece, number)
        if self._size > self._keep:
            self._forget()
        if self._is_full():
            self._held = True
            if self._pouring is not None:
                self._pouring.pause()

    def end(self, error: Exception | None) -> None:
        """Know that the source has ended, or broken off."""
        self.error = error
        try:
            self._finish(whole=error is None and self._size <= self._keep)
        except Exception as failed:  # the readers' business too: none of them may wait for ever
            self.error = failed
            self._finish(whole=False)

    async def _pump(self, room: asyncio.Event) -> None:
        try:
            async for piece in self._source:
                self.feed(piece)
                if self._held:
                    room.clear()
                    await room.wait()
            self.end(None)
        except Exception as error:  # handed to the readers, whose business it is
            self.end(error)
        finally:
            await self._source.aclose()

    def _finish(self, *, whole: bool) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(self._pieces if whole else None)
        self.ended = True
        self._wake()

    def _pass_on_costs(self, left: Reader) -> None:
        """Have one of the other readers pay for what follows, if `left` was the one who pays."""
        heir = self._readers[0].outcome
        if heir is not None and left.outcome is not None and left.outcome.meter is not None:
            left.outcome.meter.hand_over(heir)

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake()

    def _is_full(self) -> bool:
        """Say whether the source has to wait: for the fastest reader; once nothing is kept, for the slowest too."""
        if self._size < _AHEAD and self._size <= self._keep:
            return False
        positions = [reader.position for reader in self._readers]
        if not positions:
            return False
        return self._size - max(positions) >= _AHEAD or (
            self._size > self._keep and self._size - min(positions) >= self._keep
        )

    def _forget(self) -> None:
        """Drop the pieces that every reader has taken."""
        taken = min((reader.index for reader in self._readers), default=0)
        if taken > self._dropped:
            del self._pieces[: taken - self._dropped]
            self._dropped = taken


class Reader:
    """One reader's place in a shared stream; a pouring Stream of its own."""

    __slots__ = ("_paused", "_shared", "_sink", "_waiting", "index", "outcome", "position")

    def __init__(self, shared: SharedStream, outcome: Outcome | None) -> None:
        self._shared = shared
        self.outcome = outcome
        self._waiting: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._paused = False
        self.index = 0
        self.position = 0
        """Bytes taken."""

    def take(self, piece: bytes, number: int) -> None:
        """Take `piece`, the newest: at once where all before it were taken, as is the rule."""
        if self._sink is None or self._paused or self.index != number:
            self.wake()
            return
        self.index += 1
        self.position += len(piece)
        self._sink.feed(piece)

    def wake(self) -> None:
        """Look again: something has come."""
        if self._sink is not None:
            self._hand_over()
        elif self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self) -> None:
        """Return when something has come."""
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        shared = self._shared
        while True:
            piece = self._next()
            if piece is not None:
                yield piece
            elif shared.error is not None:
                raise shared.error
            elif shared.ended:
                return
            else:
                await self.wait()

    def pour(self, sink: Sink) -> None:
        """Hand what is there and what comes to `sink`."""
        self._sink = sink
        self._hand_over()

    def pause(self) -> None:
        """Hand over nothing more for the moment."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._hand_over()

    async def aclose(self) -> None:
        """Leave."""
        self._sink = None
        await self._shared.leave(self)

    def _next(self) -> bytes | None:
        piece = self._shared.piece(self.index)
        if piece is not None:
            self.index += 1
            self.position += len(piece)
            self._shared.moved()
        return piece

    def _hand_over(self) -> None:
        shared = self._shared
        while self._sink is not None and not self._paused:
            piece = self._next()
            if piece is not None:
                self._sink.feed(piece)
            elif shared.ended:
                sink, self._sink = self._sink, None
                sink.end(shared.error)
            else:
                return
