"""Serves the description of what the gateway adds to LiteLLM's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from multidict import CIMultiDict

from hx_gateway.api_document import api_document
from hx_gateway.errors import JSON, MethodNotAllowedError
from hx_gateway.message import Response

if TYPE_CHECKING:
    from hx_gateway.message import Request
    from hx_gateway.middleware import Handler

PATH = "/openapi.json"


class ApiDocument:
    """GET and HEAD of exactly /openapi.json; everything else passes."""

    def __init__(self) -> None:
        self._body = orjson.dumps(api_document())

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Answer with the document, or pass the request on."""
        if not request.target.startswith(PATH) or request.target.partition("?")[0] != PATH:
            return await call_next(request)
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowedError
        return Response(200, CIMultiDict({"Content-Type": JSON}), self._body)
