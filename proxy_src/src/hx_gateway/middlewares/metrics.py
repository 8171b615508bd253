"""Counts every request when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.metrics.requests import RequestMetrics
    from hx_gateway.middleware import Handler
    from hx_gateway.outcome import Outcome


class Metrics:
    """Tells the metrics which requests are under way, and how they went."""

    def __init__(self, metrics: RequestMetrics) -> None:
        self._metrics = metrics

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Ask to be told how the request ends."""
        metrics = self._metrics
        streaming = 0

        def ended(outcome: Outcome) -> None:
            metrics.in_flight -= 1
            metrics.streams -= streaming
            metrics.ended(request, outcome)

        metrics.in_flight += 1
        request.on_finish(ended)
        response = await call_next(request)
        if not isinstance(response.body, bytes) and _is_event_stream(response):
            streaming = 1
            metrics.streams += 1
        return response


def _is_event_stream(response: Response) -> bool:
    return response.headers.get("Content-Type", "")[:17].lower() == "text/event-stream"
