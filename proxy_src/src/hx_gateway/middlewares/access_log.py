"""One JSON line for every request, written when it has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from hx_gateway.log import redact

if TYPE_CHECKING:
    from hx_gateway.log import LogSink
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler
    from hx_gateway.outcome import Outcome

_LONGEST = 256
"""Characters of a client's text that are worth keeping."""


class AccessLog:
    """Records who asked what and how it ended: no body, no query, no header that may hold a secret.

    Fields: time, level, event, id, client, method, path, status, bytes, duration_ms (to the last byte),
    first_byte_ms (to the head of the answer, null without one), ended, user_agent.
    """

    def __init__(self, log: LogSink) -> None:
        self._log = log

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Ask to be told how the request ends."""
        target = request.target

        def write(outcome: Outcome) -> None:
            self._log.write(_record(request, target, outcome))

        request.on_finish(write)
        return await call_next(request)


def _record(request: Request, target: str, outcome: Outcome) -> dict[str, Any]:
    first_byte = outcome.first_byte_after
    return {
        "time": time.time(),
        "level": "info",
        "event": "request",
        "id": request.id,
        "client": request.client,
        "method": request.method,
        "path": redact(target.partition("?")[0][:_LONGEST]),
        "status": outcome.status,
        "bytes": outcome.bytes_sent,
        "duration_ms": round((time.monotonic() - request.started) * 1000, 1),
        "first_byte_ms": None if first_byte is None else round(first_byte * 1000, 1),
        "ended": outcome.ended,
        "user_agent": redact(request.headers.get("User-Agent", "")[:_LONGEST]),
    }
