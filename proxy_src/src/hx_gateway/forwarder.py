"""The end of the pipeline: sends a request to LiteLLM and gives its answer back, both as streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.errors import MalformedRequestError, UpstreamError
from hx_gateway.headers import InvalidHeaderError, end_to_end
from hx_gateway.message import Response

if TYPE_CHECKING:
    from hx_gateway.message import Request
    from hx_gateway.upstream.base import Upstream

SET_BY_CLIENT = frozenset({"host", "content-length", "expect"})
"""Host is the upstream's; the length is the body's; 100-continue is answered by the server here."""


class Forwarder:
    """Forwards every method; what may be forwarded has been decided before."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, request: Request) -> Response:
        """Return the upstream's answer, its body not yet read."""
        try:
            headers = end_to_end(request.headers, drop=SET_BY_CLIENT)
        except InvalidHeaderError:
            raise MalformedRequestError from None
        try:
            answer = await self._upstream.send(
                request.method, request.target, headers, request.body, request.prefer, request.model
            )
        except UpstreamError as error:
            request.outcome.upstream = error.upstream
            raise
        request.outcome.upstream = answer.upstream
        return Response(answer.status, answer.headers, answer.take() or answer)
