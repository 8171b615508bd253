"""One JSON line for every request, written when it has ended."""

from __future__ import annotations

import time
from functools import lru_cache, partial
from random import random
from typing import TYPE_CHECKING, Any

from hx_gateway.log import redact

if TYPE_CHECKING:
    from hx_gateway.log import LogSink
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler
    from hx_gateway.outcome import Outcome

_LONGEST = 256
"""Characters of a client's text that are worth keeping."""

_KEY_DIGITS = 12
"""Of a key's hash: enough to tell keys apart and to find one in LiteLLM's tables, of no use to anyone else."""


class AccessLog:
    """Records who asked what and how it ended: no body, no query, no header that may hold a secret.

    Fields: time, level, event, id, trace_id, client, key (the first digits of its SHA-256), method, path, model,
    status, bytes, duration_ms (to the last byte), first_byte_ms (to the head of the answer), first_token_ms (to the
    first event of a stream), prompt_tokens, completion_tokens, estimated (the gateway counted), cost (US dollars),
    upstream, cache, limit, ended, user_agent. What is not known, or does not apply, is null.
    """

    def __init__(self, log: LogSink, sample: float = 1) -> None:
        self._log = log
        self._sample = sample

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Ask to be told how the request ends."""
        request.on_finish(partial(self._write, request, request.target))
        return await call_next(request)

    def _write(self, request: Request, target: str, outcome: Outcome) -> None:
        if self._sample < 1 and outcome.status < 400 and outcome.ended == "complete" and random() >= self._sample:  # noqa: S311 - no secret depends on it
            return
        self._log.write(_record(request, target, outcome))


def _record(request: Request, target: str, outcome: Outcome) -> dict[str, Any]:
    usage = outcome.usage
    return {
        "time": time.time(),
        "level": "info",
        "event": "request",
        "id": request.id,
        "trace_id": request.trace_id or None,
        "client": request.client,
        "key": request.key[:_KEY_DIGITS] or None,
        "method": request.method,
        "path": _shown(target.partition("?")[0][:_LONGEST]),
        "model": _shown(request.model[:_LONGEST]) or None,
        "status": outcome.status,
        "bytes": outcome.bytes_sent,
        "duration_ms": _milliseconds(time.monotonic() - request.started),
        "first_byte_ms": _milliseconds(outcome.first_byte_after),
        "first_token_ms": _milliseconds(request.first_token_after),
        "prompt_tokens": usage.prompt if usage is not None else None,
        "completion_tokens": usage.completion if usage is not None else None,
        "estimated": usage.estimated if usage is not None else None,
        "cost": outcome.cost,
        "upstream": outcome.upstream or None,
        "cache": outcome.cache or None,
        "limit": outcome.limit or None,
        "ended": outcome.ended,
        "user_agent": _shown(request.headers.get("User-Agent", "")[:_LONGEST]),
    }


@lru_cache(maxsize=1024)
def _shown(text: str) -> str:
    """Return `text` without keys; the same paths, models and clients come again and again."""
    return redact(text)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else int(seconds * 10_000 + 0.5) / 10
