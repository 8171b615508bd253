"""Watching a body while it passes, asked for or pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import UpstreamBrokenError
from hx_gateway.message import Response, is_pouring
from hx_gateway.observe import observe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.message import Sink


class Seen:
    """What an observer, or a sink, was told."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ends: list[object] = []

    def piece(self, data: bytes) -> None:
        self.pieces.append(data)

    feed = piece

    def end(self, error: Exception | None = None, *, complete: bool | None = None) -> None:
        self.ends.append(error if complete is None else complete)


class Asked:
    """A stream that gives two pieces, and may break."""

    error: Exception | None = None
    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed = True


class Pushing(Asked):
    """One that pushes them."""

    calls = ""

    def pour(self, sink: Sink) -> None:
        sink.feed(b"a")
        sink.feed(b"b")
        sink.end(self.error)

    def pause(self) -> None:
        self.calls += "p"

    def resume(self) -> None:
        self.calls += "r"


def observed(body: bytes | Asked) -> tuple[Response, Seen]:
    response, seen = Response(200, CIMultiDict(), body), Seen()
    observe(response, seen)
    return response, seen


def test_a_whole_body_is_seen_at_once() -> None:
    _, seen = observed(b"ab")
    assert (seen.pieces, seen.ends) == ([b"ab"], [True])


@pytest.mark.parametrize("error", [None, UpstreamBrokenError()])
async def test_a_stream_is_seen_as_it_is_read(error: Exception | None) -> None:
    stream = Asked()
    stream.error = error
    response, seen = observed(stream)
    assert not isinstance(response.body, bytes)
    assert not is_pouring(response.body)
    found = []
    try:
        async for piece in response.body:
            found.append(piece)
    except UpstreamBrokenError:
        pass
    await response.aclose()
    assert found == seen.pieces == [b"a", b"b"]
    assert seen.ends == [error is None]
    assert stream.closed


@pytest.mark.parametrize("error", [None, UpstreamBrokenError()])
async def test_a_pushing_stream_is_seen_as_it_pushes(error: Exception | None) -> None:
    stream = Pushing()
    stream.error = error
    response, seen = observed(stream)
    assert not isinstance(response.body, bytes)
    assert is_pouring(response.body)
    sink = Seen()
    response.body.pour(sink)
    response.body.pause()
    response.body.resume()
    await response.aclose()
    assert sink.pieces == seen.pieces == [b"a", b"b"]
    assert (sink.ends, seen.ends) == ([error], [error is None])
    assert stream.calls == "pr"


async def test_who_leaves_early_leaves_it_incomplete() -> None:
    response, seen = observed(Pushing())
    await response.aclose()
    assert (seen.pieces, seen.ends) == ([], [False])
