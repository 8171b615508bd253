"""What the middleware that records usage costs a request, by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from benchmarks.traffic import PATH
from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.usage_records import UsageRecords
from hx_gateway.outcome import Usage
from hx_gateway.usage.queue import UsageQueue

if TYPE_CHECKING:
    from hx_gateway.middleware import Handler

_BATCH = 500
"""Requests that are made at once, so that making them is not measured."""


async def middleware(count: int) -> float:
    """Return microseconds of CPU time a request with the middleware, less those without."""
    records = UsageRecords(UsageQueue(20_000))

    async def answer(_: Request) -> Response:
        return response

    async def recorded(request: Request) -> Response:
        return await records(request, answer)

    async def plain(request: Request) -> Response:
        return await answer(request)

    response = Response(200, CIMultiDict())
    spent = {recorded: 0, plain: 0}
    for _ in range(max(1, count // _BATCH)):
        for handler in spent:
            spent[handler] += await _batch(handler)
    return (spent[recorded] - spent[plain]) / (max(1, count // _BATCH) * _BATCH) / 1000


async def _batch(handler: Handler) -> int:
    """Return nanoseconds of CPU time for a batch."""
    requests = [_request() for _ in range(_BATCH)]
    start = time.thread_time_ns()
    for request in requests:
        await handler(request)
        request.finish()
    return time.thread_time_ns() - start


def _request() -> Request:
    request = Request("POST", PATH, CIMultiDict({"Host": "h", "Authorization": "Bearer k"}), BytesBody(b""))
    request.document = {"model": "gpt-bench", "stream": False}
    request.id, request.key = "0" * 32, "0" * 64
    request.outcome.status, request.outcome.usage = 200, Usage(40, 100)
    request.outcome.cache, request.outcome.upstream = "miss", "127.0.0.1:4000"
    return request
