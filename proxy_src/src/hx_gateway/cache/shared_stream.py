"""One stream read once, for several readers: each gets all of it, from its first piece on."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from hx_gateway.errors import UpstreamBrokenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from hx_gateway.message import Stream

_AHEAD: Final = 65536
"""Bytes that are read ahead of the fastest reader."""


class SharedStream:
    """Reads `source` in a task of its own, as fast as its fastest reader takes it, until the last reader has left.

    Up to `keep` bytes are kept, so that a reader may join late. `on_end` is told the pieces if the source came to
    its end and all of them were kept, else None; it is called once, before any reader sees the end.
    """

    def __init__(self, source: Stream, keep: int, on_end: Callable[[Sequence[bytes] | None], None]) -> None:
        self._source = source
        self._keep = keep
        self._on_end: Callable[[Sequence[bytes] | None], None] | None = on_end
        self._pieces: deque[bytes] = deque()
        self._dropped = 0
        self._size = 0
        self._room = asyncio.Event()
        self._room.set()
        self._readers: list[Reader] = []
        self.ended = False
        self.error: Exception | None = None
        self._task: asyncio.Task[None] | None = asyncio.create_task(self._pump())

    @property
    def is_joinable(self) -> bool:
        """Whether a reader that comes late can have all of it."""
        return not self.ended and self.error is None and self._size <= self._keep

    def reader(self) -> Reader:
        """Return another reader, which stands before the first piece."""
        reader = Reader(self)
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
        if not self._room.is_set() and not self._is_full():
            self._room.set()

    async def leave(self, reader: Reader) -> None:
        """Know that a reader needs nothing more; without any the source is closed, unless it has ended."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        if self._readers:
            self.moved()
            return
        # let go of here: what it ends with refers to its frame, which refers to this
        task, self._task = self._task, None
        if task is not None and not task.done():
            # who comes while the source is being closed must not take what there is for the whole
            self.error = UpstreamBrokenError()
            task.cancel()
            await asyncio.wait([task])
        self._end(whole=False)
        self.error = None
        await self._source.aclose()

    async def _pump(self) -> None:
        try:
            async for piece in self._source:
                self._pieces.append(piece)
                self._size += len(piece)
                self._wake()
                while self._is_full():
                    self._room.clear()
                    await self._room.wait()
            self._end(whole=self._size <= self._keep)
        except Exception as error:  # handed to the readers, whose business it is
            self.error = error
            self._end(whole=False)
        finally:
            await self._source.aclose()

    def _end(self, *, whole: bool) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(self._pieces if whole else None)
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake()

    def _is_full(self) -> bool:
        """Say whether reading has to wait: for the fastest reader; once nothing is kept, for the slowest too."""
        positions = [reader.position for reader in self._readers]
        if not positions:
            return False
        return self._size - max(positions) >= _AHEAD or (
            self._size > self._keep and self._size - min(positions) >= self._keep
        )

    def _forget(self) -> None:
        """Drop the pieces that every reader has taken."""
        taken = min((reader.index for reader in self._readers), default=0)
        while self._dropped < taken:
            self._pieces.popleft()
            self._dropped += 1


class Reader:
    """One reader's place in a shared stream; a Stream of its own."""

    __slots__ = ("_shared", "_waiting", "index", "position")

    def __init__(self, shared: SharedStream) -> None:
        self._shared = shared
        self._waiting: asyncio.Future[None] | None = None
        self.index = 0
        self.position = 0
        """Bytes taken."""

    def wake(self) -> None:
        """Look again: something has come."""
        if self._waiting is not None and not self._waiting.done():
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
            piece = shared.piece(self.index)
            if piece is not None:
                self.index += 1
                self.position += len(piece)
                shared.moved()
                yield piece
            elif shared.error is not None:
                raise shared.error
            elif shared.ended:
                return
            else:
                await self.wait()

    async def aclose(self) -> None:
        """Leave."""
        await self._shared.leave(self)
