"""An answer as it is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from multidict import CIMultiDict, istr

from hx_gateway.message import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEPT_HEADERS: Final = (istr("Content-Type"), istr("x-litellm-model-group"), istr("x-litellm-model-id"))
"""Headers that belong to an answer. The others belong to one request: its id, cost, limits, date, cookies."""


class Entry(NamedTuple):
    """An answer, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[bytes, ...]
    """The body; of a stream in the pieces in which it came."""
    stream: bool
    created: float
    """When the answer was asked for, in seconds of the wall clock, which all gateways share."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.pieces))

    def age(self) -> float:
        """Return seconds since it was asked for, 0 if a clock was set back."""
        return max(0.0, time.time() - self.created)

    def response(self) -> Response:
        """Return the answer for another request."""
        return Response(
            self.status, CIMultiDict(self.headers), _Replay(self.pieces) if self.stream else b"".join(self.pieces)
        )


def kept_headers(headers: CIMultiDict[str]) -> tuple[tuple[str, str], ...]:
    """Return those of `headers` that are true for every request with this answer."""
    kept = []
    for name in KEPT_HEADERS:
        value = headers.get(name)
        if value is not None:
            kept.append((name, value))
    return tuple(kept)


def encode(entry: Entry, marks: list[str]) -> bytes:
    """Return `entry` as bytes: a line of JSON, then the body. `marks` are the purges it has seen."""
    status, headers, pieces, stream, created = entry
    head = (status, headers, [*map(len, pieces)], stream, created, marks)
    return b"".join((orjson.dumps(head), b"\n", *pieces))


def decode(data: bytes) -> tuple[Entry, list[str]] | None:
    """Return what `encode` was given; None if `data` is something else."""
    end = data.find(b"\n")
    try:
        status, headers, lengths, stream, created, marks = orjson.loads(data[:end])
        position = end + 1
        if len(lengths) == 1:  # as all are but streams
            if position + lengths[0] != len(data):
                return None
            return Entry(status, _pairs(headers), (data[position:],), stream, created), marks
        pieces = []
        for length in lengths:
            pieces.append(data[position : position + length])
            position += length
        if position != len(data):
            return None
        return Entry(status, _pairs(headers), tuple(pieces), stream, created), marks
    except (ValueError, TypeError):
        return None


def _pairs(headers: list[Any]) -> tuple[tuple[str, str], ...]:
    return tuple([(name, value) for name, value in headers])


class _Replay:
    """A stream that was kept, sent again."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        """Nothing feeds it."""
