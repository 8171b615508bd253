"""Requests, bodies and outcomes."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import BodyTooLargeError
from hx_gateway.message import BytesBody, Request, Response, read_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.outcome import Outcome


def asking_for(model: object) -> Request:
    """Return a request whose body asks for `model`."""
    request = Request("POST", "/v1/x", CIMultiDict(), BytesBody(b""))
    request.document = {"model": model}
    return request


@pytest.mark.parametrize("model", ["m", "x" * 256])
def test_a_model_is_known_by_its_name(model: str) -> None:
    assert asking_for(model).model == model


def test_a_name_of_any_length_is_not_remembered_whole() -> None:
    request = asking_for("x" * 257)
    assert request.model == "x" * 256 + "..."
    assert request.document == {"model": "x" * 257}
    request.name_model("y" * 5000)
    assert request.model == "y" * 256 + "..."


class Pieces:
    """A body of unknown length that counts what was taken from it."""

    def __init__(self, *pieces: bytes, length: int | None = None) -> None:
        self._pieces = pieces
        self.length = length
        self.taken = 0

    def take(self) -> None:
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece


@pytest.mark.parametrize("data", [b"", b"abc"])
async def test_bytes_body(data: bytes) -> None:
    body = BytesBody(data)
    assert body.length == len(data)
    assert body.take() == data
    assert b"".join([piece async for piece in body]) == data
    assert await read_all(body, 3) == data


async def test_reading_all_stops_at_the_limit() -> None:
    assert await read_all(Pieces(b"ab", b"cd"), 4) == b"abcd"
    body = Pieces(b"ab", b"cd", b"ef")
    with pytest.raises(BodyTooLargeError):
        await read_all(body, 3)
    assert body.taken == 2


async def test_a_length_above_the_limit_is_not_read() -> None:
    body = Pieces(b"abcd", length=4)
    with pytest.raises(BodyTooLargeError):
        await read_all(body, 3)
    assert body.taken == 0


def test_everyone_is_told_how_it_ended() -> None:
    request = Request("GET", "/v1/%61?b", CIMultiDict(), BytesBody(b""))
    told: list[Outcome] = []
    request.on_finish(told.append)
    request.on_finish(told.append)
    request.finish()
    outcome = request.outcome
    assert told == [outcome, outcome]
    assert (outcome.ended, outcome.status, outcome.first_byte_after) == ("complete", 0, None)
    assert request.path == "/v1/a"


async def test_closing_a_response_closes_its_stream() -> None:
    class Tap:
        closed = False

        def __aiter__(self) -> AsyncIterator[bytes]:
            raise NotImplementedError

        async def aclose(self) -> None:
            self.closed = True

    tap = Tap()
    await Response(200, CIMultiDict(), tap).aclose()
    assert tap.closed
    await Response(200, CIMultiDict(), b"bytes").aclose()


def test_a_finished_request_is_freed_without_the_garbage_collector() -> None:
    class Held:
        pass

    def serve() -> weakref.ref[Held]:
        held = Held()
        request = Request("GET", "/v1/x", CIMultiDict(), BytesBody(b""))
        request.document = {"held": held}
        request.on_finish(lambda _: setattr(request, "id", "finished"))
        request.finish()
        return weakref.ref(held)

    gc.disable()
    try:
        assert serve()() is None
    finally:
        gc.enable()
