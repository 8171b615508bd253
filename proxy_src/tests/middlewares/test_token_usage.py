"""Token counts, from every kind of answer that states them, and counted where none does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.token_usage import TokenUsage, usage_of_json
from hx_gateway.outcome import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.outcome import Outcome

EVENTS = "text/event-stream; charset=utf-8"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "12345678"}]}


class Stream:
    """A body in the given pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    async def aclose(self) -> None:
        self.closed = True


async def outcome(
    body: bytes | Stream,
    kind: str = "application/json",
    *,
    headers: dict[str, str] | None = None,
    status: int = 200,
    document: dict[str, Any] | None = None,
    read: int | None = None,
) -> Outcome:
    """Return what is known once the answer was sent, or `read` pieces of it."""
    request = Request("POST", "/v1/chat/completions", CIMultiDict(), BytesBody(b""))
    request.document = CHAT if document is None else document

    async def call_next(_: Request) -> Response:
        return Response(status, CIMultiDict({"Content-Type": kind, **(headers or {})}), body)

    response = await TokenUsage()(request, call_next)
    sent = b""
    if isinstance(response.body, bytes):
        sent = response.body
    else:
        count = 0
        async for piece in response.body:
            sent += piece
            count += 1
            if count == read:
                break
    await response.aclose()
    if isinstance(body, bytes):
        assert sent == body
    else:
        assert b"".join(body.pieces).startswith(sent)
        assert body.closed
    return request.outcome


def event(data: object) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"


DONE = b"data: [DONE]\n\n"
STATED = {"usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}


async def test_a_json_answer_states_its_usage_and_cost() -> None:
    found = await outcome(orjson.dumps(STATED), headers={"x-litellm-response-cost": "0.00025"})
    assert (found.usage, found.cost) == (Usage(7, 5), 0.00025)
    assert found.usage is not None
    assert found.usage.total == 12


@pytest.mark.parametrize("cost", ["", "x", "-1", "nan", "inf"])
async def test_a_cost_that_is_no_amount_is_none(cost: str) -> None:
    assert (await outcome(b"{}", headers={"x-litellm-response-cost": cost})).cost is None


@pytest.mark.parametrize(
    ("document", "usage"),
    [
        ({"usage": {"prompt_tokens": 3, "total_tokens": 3}}, Usage(3, 0)),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, Usage(3, 4)),
        ({"response": STATED}, Usage(7, 5)),
        ({"usage": None}, None),
        ({"usage": {}}, None),
        ({"usage": {"prompt_tokens": -1}}, None),
        ({"usage": {"prompt_tokens": "3"}}, None),
        ([], None),
    ],
)
def test_words_for_usage(document: object, usage: Usage | None) -> None:
    assert usage_of_json(orjson.dumps(document)) == usage


async def test_a_large_answer_is_read_from_its_end() -> None:
    data = orjson.dumps({"data": "x" * (2 << 20), **STATED})
    pieces = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    assert (await outcome(Stream(*pieces))).usage == Usage(7, 5)


@pytest.mark.parametrize("tail", [b'x"usage"', b'x"usage": {', b'x"usage": {a}', b'x"usage": [1]', b"x"])
def test_an_end_that_is_not_usage_is_none(tail: bytes) -> None:
    assert usage_of_json(tail) is None


@pytest.mark.parametrize("step", [1, 2, 7, 4096])
async def test_a_stream_states_its_usage_however_it_is_cut(step: int) -> None:
    data = event({"choices": [{"delta": {"content": "a"}}]}) + event({"choices": [], **STATED}) + DONE
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    assert (await outcome(Stream(*pieces), EVENTS)).usage == Usage(7, 5)


async def test_the_messages_api_states_it_in_two_events() -> None:
    stream = Stream(
        b"event: message_start\n" + event({"message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}),
        b"event: message_delta\n" + event({"usage": {"output_tokens": 6}}),
    )
    assert (await outcome(stream, EVENTS)).usage == Usage(9, 6)


async def test_a_stream_that_does_not_state_it_is_counted() -> None:
    stream = Stream(*[event({"choices": [{"delta": {"content": "a"}}]})] * 4, b": comment\n\n", DONE)
    assert (await outcome(stream, EVENTS)).usage == Usage(2, 4, estimated=True)


async def test_what_a_client_that_left_has_got_is_counted() -> None:
    stream = Stream(*[event({"choices": []})] * 4)
    assert (await outcome(stream, EVENTS, read=2)).usage == Usage(2, 2, estimated=True)


async def test_a_json_answer_that_broke_off_states_nothing() -> None:
    assert (await outcome(Stream(orjson.dumps(STATED)[:-1], b"}"), read=1)).usage is None


@pytest.mark.parametrize(
    ("kind", "headers", "status"),
    [
        ("application/json", {}, 429),
        ("application/json", {"Content-Encoding": "gzip"}, 200),
        ("audio/mpeg", {}, 200),
    ],
)
async def test_what_is_not_looked_at(kind: str, headers: dict[str, str], status: int) -> None:
    assert (await outcome(orjson.dumps(STATED), kind, headers=headers, status=status)).usage is None


async def test_an_event_that_is_not_json_is_only_counted() -> None:
    assert (await outcome(Stream(b'data: "usage"{\n\n'), EVENTS)).usage == Usage(2, 1, estimated=True)


async def test_cancelling_the_reader_still_counts() -> None:
    class Endless(Stream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield event({})
            await asyncio.sleep(60)

    request = Request("POST", "/v1/x", CIMultiDict(), BytesBody(b""))
    request.document = CHAT
    body = Endless()

    async def call_next(_: Request) -> Response:
        return Response(200, CIMultiDict({"Content-Type": EVENTS}), body)

    response = await TokenUsage()(request, call_next)

    async def read() -> None:
        assert not isinstance(response.body, bytes)
        async for _ in response.body:
            pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 0.05)
    await response.aclose()
    assert request.outcome.usage == Usage(2, 1, estimated=True)


@pytest.mark.parametrize("step", [1, 3, 50, 4096])
async def test_events_are_counted_however_they_are_cut(step: int) -> None:
    one = event({"choices": [{"delta": {"content": "data: a\ndata: b"}}]})
    data = one + b": comment\n\n" + b"event: x\r\n" + one.replace(b"\n\n", b"\r\n\r\n") + one * 3 + DONE
    found = await outcome(Stream(*[data[start : start + step] for start in range(0, len(data), step)]), EVENTS)
    assert found.usage is not None
    assert (found.usage.completion, found.usage.estimated) == (5, True)
