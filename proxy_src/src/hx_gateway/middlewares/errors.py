"""Turns what was raised further in into an answer of OpenAI's error shape."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from hx_gateway.errors import JSON, GatewayError, error_body
from hx_gateway.log import event
from hx_gateway.message import Response

if TYPE_CHECKING:
    from hx_gateway.message import Request
    from hx_gateway.middleware import Handler


class ErrorShape:
    """Answers GatewayError as it says, and any other exception with 500; answers of LiteLLM pass unchanged."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Return the answer, or the error's."""
        try:
            return await call_next(request)
        except GatewayError as error:
            if error.status >= 500:
                event(error.code, logging.WARNING, id=request.id, cause=_cause(error))
            return error_response(error, request.id)
        except Exception:
            event("unexpected_error", logging.ERROR, exc_info=True, id=request.id)
            return error_response(GatewayError(), request.id)


def error_response(error: GatewayError, request_id: str) -> Response:
    """Return the answer for `error`."""
    headers: CIMultiDict[str] = CIMultiDict({**error.headers, **error.own_headers})
    headers["Content-Type"] = JSON
    return Response(error.status, headers, error_body(error, request_id), close=error.close)


def _cause(error: GatewayError) -> str | None:
    return type(error.__cause__).__name__ if error.__cause__ is not None else None
