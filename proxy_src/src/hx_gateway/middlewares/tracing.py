"""Notes each sampled request for the collector of traces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hx_gateway.middlewares.trace_context import PARENT
from hx_gateway.tracing.ended import Ended, SpanQueue
from hx_gateway.tracing.extra import load_sender
from hx_gateway.tracing.metrics import SpanMetrics

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Services
    from hx_gateway.outcome import Outcome

_SPAN_ID = slice(36, 52)
_SAMPLED = "-01"
_PROBES = frozenset({"/healthz", "/readyz"})
"""They come every few seconds and tell nothing."""


class Tracing:
    """Queues what a span is made of when a sampled request has ended; the span is the one LiteLLM has as its parent."""

    def __init__(self, queue: SpanQueue) -> None:
        self._queue = queue

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Ask to be told how the request ends."""
        parent = request.headers.get(PARENT, "")
        if not request.trace_id or not parent.endswith(_SAMPLED) or request.target in _PROBES:
            return await call_next(request)
        span_id = parent[_SPAN_ID]
        host = request.headers.get("Host", "")

        def ended(outcome: Outcome) -> None:
            self._queue.add(
                Ended(
                    time.time_ns(),
                    time.monotonic() - request.started,
                    request.trace_id,
                    span_id,
                    request.parent_span_id,
                    request.id,
                    request.method,
                    request.target,
                    host,
                    request.client,
                    request.version,
                    request.model,
                    outcome.status,
                    outcome.ended,
                    outcome.usage,
                    outcome.cache,
                    outcome.limit,
                    outcome.upstream,
                )
            )

        request.on_finish(ended)
        return await call_next(request)


def make_tracing(services: Services) -> Tracing | None:
    """Return the middleware with its sender started; None where `tracing.enabled` is false.

    Raises ConfigError if the extra `otlp` is not installed. A collector that is away is no error.
    """
    config = services.config.tracing
    sender_class = load_sender(config)
    if sender_class is None:
        return None
    queue = SpanQueue(config.queue_max)
    sender = sender_class(queue, config)
    services.lifespan.push_async_callback(sender.aclose)
    services.metrics.register(SpanMetrics(queue, sender))
    return Tracing(queue)
