"""Reads a JSON body once, for all that look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from hx_gateway.message import BytesBody, read_all

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler


class JsonBody:
    """Sets `request.document` where a POST has a JSON object as body; anything else passes byte for byte.

    The body is read up to a limit (else 413). A form, or a body with a content coding (RFC 9110 section 8.4), is
    streamed.
    """

    def __init__(self, body_read_max: int) -> None:
        self._limit = body_read_max

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Read the body, or leave it to be streamed."""
        if request.method == "POST" and request.body.length != 0 and _is_json(request):
            data = request.body.take()
            if data is None or len(data) > self._limit:
                data = await read_all(request.body, self._limit)
            request.body = BytesBody(data)
            try:
                document = orjson.loads(data)
            except orjson.JSONDecodeError:
                document = None
            if isinstance(document, dict):
                request.document = document
        return await call_next(request)


def _is_json(request: Request) -> bool:
    """Say whether LiteLLM will read the body as JSON: it does so with every media type that is not a form's."""
    return "Content-Encoding" not in request.headers and "form" not in request.headers.get("Content-Type", "").lower()
