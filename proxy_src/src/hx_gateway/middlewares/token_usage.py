"""Learns from LiteLLM's answers how many tokens they took and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hx_gateway.observe import observe
from hx_gateway.outcome import Usage
from hx_gateway.sse import LineReader, data_of
from hx_gateway.tokens import estimate_prompt, stated_usage

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler
    from hx_gateway.outcome import Outcome

COST_HEADER = "x-litellm-response-cost"

_LARGEST = 1 << 20
"""Bytes of a JSON answer that are parsed whole; of a longer one only the end, where `usage` stands."""

_TAIL = 4096


class TokenUsage:
    """Notes `usage` and `cost` in the request's outcome; a stream that does not state its usage is counted."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Watch a good answer to a request with a JSON body."""
        response = await call_next(request)
        if request.document is None or not 200 <= response.status < 300:
            return response
        request.outcome.cost = _cost(response.headers.get(COST_HEADER))
        if "Content-Encoding" not in response.headers:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                observe(response, _StreamUsage(request))
            elif kind == "application/json":
                if isinstance(response.body, bytes) and len(response.body) <= _LARGEST:
                    request.outcome.usage = usage_of_json(response.body)
                else:
                    observe(response, _JsonUsage(request))
        return response


def _cost(value: str | None) -> float | None:
    try:
        cost = float(value) if value is not None else None
    except ValueError:
        return None
    return cost if cost is not None and 0 <= cost < float("inf") else None


class _JsonUsage:
    """Reads `usage` at the end of a JSON answer."""

    __slots__ = ("_data", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._data = bytearray()

    def piece(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > _LARGEST:
            del self._data[:-_TAIL]

    def end(self, *, complete: bool) -> None:
        if complete:
            self._request.outcome.usage = usage_of_json(bytes(self._data))


def usage_of_json(data: bytes) -> Usage | None:
    """Return the usage stated in a JSON answer, or in the object that ends one whose beginning is missing."""
    try:
        return stated_usage(orjson.loads(data))
    except orjson.JSONDecodeError:
        start = data.rfind(b'"usage"')
        if start < 0:
            return None
    depth = 0
    begin = data.find(b"{", start)
    for position in range(max(begin, 0), len(data) if begin >= 0 else 0):
        depth += {123: 1, 125: -1}.get(data[position], 0)
        if depth == 0:
            try:
                return stated_usage({"usage": orjson.loads(data[begin : position + 1])})
            except orjson.JSONDecodeError:
                return None
    return None


class _StreamUsage:
    """Reads `usage` from the events that state it, or counts the events: LiteLLM sends one a token or a few."""

    __slots__ = ("_events", "_lines", "_noted", "_outcome", "_prompt", "_usage")

    def __init__(self, request: Request) -> None:
        self._outcome = request.outcome
        self._outcome.meter = self
        self._noted = Usage(0, 0)
        """What was noted for requests before."""
        # now, as the body is let go of while the answer streams
        self._prompt = estimate_prompt(request.document or {})
        self._lines = LineReader()
        self._events = 0
        self._usage: Usage | None = None

    def piece(self, data: bytes) -> None:
        # most pieces are whole events that state no usage: these need only be counted
        if self._lines.is_between_lines and data.endswith(b"\n") and b'"usage"' not in data and b"[DONE]" not in data:
            self._events += data.startswith(b"data:") + data.count(b"\ndata:")
            return
        for line in self._lines.feed(data):
            value = data_of(line)
            if value is None or value == b"[DONE]":
                continue
            self._events += 1
            if b'"usage"' in value:
                self._note(value)

    def end(self, *, complete: bool) -> None:  # noqa: ARG002 - what a broken stream took was taken
        self._note_taken()

    def hand_over(self, to: Outcome) -> None:
        self._note_taken()
        self._outcome = to
        to.meter = self
        to.takes_over = True

    def _note_taken(self) -> None:
        taken, before = self._usage or Usage(self._prompt, self._events, estimated=True), self._noted
        self._noted = taken
        self._outcome.meter = None
        self._outcome.usage = Usage(
            max(0, taken.prompt - before.prompt), max(0, taken.completion - before.completion), taken.estimated
        )

    def _note(self, value: bytes) -> None:
        try:
            stated = stated_usage(orjson.loads(value))
        except orjson.JSONDecodeError:
            return
        if stated is not None:
            # the Messages API states the prompt in its first event and the completion in its last
            before = self._usage or Usage(0, 0)
            self._usage = Usage(max(before.prompt, stated.prompt), max(before.completion, stated.completion))
