"""Bounds what one client address may have under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.errors import TooManyStreamsError

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler
    from hx_gateway.outcome import Outcome


class ClientLimits:
    """Allows a client address so many requests at a time, streams among them, in this process; 0: any number."""

    def __init__(self, streams_per_client: int) -> None:
        self._most = streams_per_client
        self._active: dict[str, int] = {}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Count the request until its last byte was sent, or raise TooManyStreamsError."""
        if self._most:
            client = request.client
            active = self._active.get(client, 0)
            if active >= self._most:
                request.outcome.limit = "streams_per_client"
                raise TooManyStreamsError
            self._active[client] = active + 1

            def release(_: Outcome) -> None:
                left = self._active[client] - 1
                if left:
                    self._active[client] = left
                else:
                    del self._active[client]

            request.on_finish(release)
        return await call_next(request)
