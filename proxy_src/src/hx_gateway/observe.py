"""Watching a response's body while it passes, without holding it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hx_gateway.message import is_pouring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.message import Pouring, Response, Sink, Stream


class Observer(Protocol):
    """Sees every piece of a body, then its end. Both are called on the request path: no I/O, no exceptions."""

    def piece(self, data: bytes) -> None:
        """See `data`, which is about to be sent."""

    def end(self, *, complete: bool) -> None:
        """Know that nothing follows; `complete` is false if the body broke off or its reader left. Called once."""


def observe(response: Response, observer: Observer) -> None:
    """Have `observer` see the body of `response`; a body that is whole already is seen at once."""
    body = response.body
    if isinstance(body, bytes):
        observer.piece(body)
        observer.end(complete=True)
    else:
        response.body = _ObservedPouring(body, observer) if is_pouring(body) else _ObservedStream(body, observer)


class _ObservedStream:
    __slots__ = ("_observer", "_stream")

    def __init__(self, stream: Stream, observer: Observer) -> None:
        self._stream = stream
        self._observer: Observer | None = observer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        observer = self._observer
        if observer is None:
            return
        async for piece in self._stream:
            observer.piece(piece)
            yield piece
        self._end(complete=True)

    async def aclose(self) -> None:
        self._end(complete=False)
        await self._stream.aclose()

    def _end(self, *, complete: bool) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.end(complete=complete)


class _ObservedPouring(_ObservedStream):
    """One whose source pushes."""

    __slots__ = ("_sink",)

    _stream: Pouring

    def __init__(self, stream: Pouring, observer: Observer) -> None:
        super().__init__(stream, observer)
        self._sink: Sink | None = None

    def pour(self, sink: Sink) -> None:
        self._sink = sink
        self._stream.pour(self)

    def feed(self, piece: bytes) -> None:
        if self._sink is not None and self._observer is not None:
            self._observer.piece(piece)
            self._sink.feed(piece)

    def end(self, error: Exception | None) -> None:
        self._end(complete=error is None)
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.end(error)

    def pause(self) -> None:
        self._stream.pause()

    def resume(self) -> None:
        self._stream.resume()

    async def aclose(self) -> None:
        self._sink = None  # which refers to who reads this
        await super().aclose()
