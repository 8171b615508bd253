"""Which answers may be kept."""

from __future__ import annotations

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.cache.answer import EVENTS, is_keepable, is_whole

JSON = "application/json"
CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
DONE = b"data: [DONE]\n\n"


def events(*data: object) -> bytes:
    return b"".join(b"data: " + orjson.dumps(item) + b"\n\n" for item in data)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {"Content-Type": JSON}, True),
        (200, {"Content-Type": "Text/Event-Stream; charset=utf-8", "Cache-Control": "no-cache"}, True),
        (200, {"Content-Type": JSON, "Cache-Control": "private, No-Store"}, False),
        (200, {"Content-Type": JSON, "Content-Encoding": "gzip"}, False),
        (200, {"Content-Type": "text/html"}, False),
        (200, {}, False),
        (201, {"Content-Type": JSON}, False),
        (206, {"Content-Type": JSON}, False),
        (400, {"Content-Type": JSON}, False),
        (429, {"Content-Type": JSON}, False),
        (500, {"Content-Type": JSON}, False),
    ],
)
def test_heads(status: int, headers: dict[str, str], expected: bool) -> None:
    assert is_keepable(status, CIMultiDict(headers)) is expected


CALL = {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}
TEXT = 'say "tool_calls": [{ and "function_call": {} and "type": "x_call" and "error": 1'
DELTA = {"choices": [{"delta": {"content": TEXT, "tool_calls": None, "function_call": None}, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (orjson.dumps({"choices": [{"message": {"content": TEXT, "tool_calls": None}}]}), True),
        (orjson.dumps({"choices": [{"message": {"content": "", "tool_calls": []}}]}), True),
        (b' {"choices": []} \n', True),
        (orjson.dumps({"choices": [{"message": CALL}]}), False),
        (orjson.dumps({"choices": [{"message": CALL}]}, option=orjson.OPT_INDENT_2), False),
        (orjson.dumps({"choices": [{"message": {"function_call": {"name": "f"}}}]}), False),
        (orjson.dumps({"choices": [{"finish_reason": "tool_calls"}]}), False),
        (orjson.dumps({"error": {"message": "x"}}), False),
        (b'{"choices": [', False),
        (b"[]", False),
        (b"", False),
    ],
)
def test_json(data: bytes, expected: bool) -> None:
    assert is_whole(data, JSON, CHAT) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (events(DELTA) + DONE, True),
        (events(DELTA) + b": comment\r\n\r\ndata:[DONE]\r\n\r\n", True),
        (events(DELTA), False),
        (events(DELTA) + DONE + events(DELTA), False),
        (events(DELTA, {"error": {"message": "overloaded"}}) + DONE, False),
        (events(DELTA, {"choices": [{"delta": CALL}]}) + DONE, False),
        (events({"choices": [{"delta": {"content": "data: [DONE]"}}]}), False),
        (b"", False),
    ],
)
def test_streams_of_chats(data: bytes, expected: bool) -> None:
    assert is_whole(data, EVENTS, CHAT) is expected


def test_responses() -> None:
    good = {"id": "r", "error": None, "status": "completed", "output": [{"type": "message", "status": "completed"}]}
    assert is_whole(orjson.dumps(good), JSON, RESPONSES)
    for status in ("failed", "in_progress", "incomplete", "queued", "cancelled"):
        assert not is_whole(orjson.dumps(good | {"status": status}), JSON, RESPONSES)
    for kind in ("function_call", "web_search_call", "mcp_call"):
        assert not is_whole(orjson.dumps(good | {"output": [{"type": kind}]}), JSON, RESPONSES)
    assert is_whole(events({"type": "response.created"}, {"type": "response.completed"}), EVENTS, RESPONSES)
    assert not is_whole(events({"type": "response.created"}, {"type": "response.failed"}), EVENTS, RESPONSES)
    assert not is_whole(events({"type": "response.created"}) + DONE, EVENTS, RESPONSES)
