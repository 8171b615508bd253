"""Gives every request an id that client, gateway and LiteLLM share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hx_gateway.random_ids import random_digits

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler

HEADER = "x-request-id"

_ACCEPTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""An id of a client is kept if it is safe in headers, logs and URLs."""


class RequestId:
    """Takes the client's `x-request-id` or makes one; sends it up, and back with every answer."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Set `request.id` and the header, both ways."""
        given = request.headers.getall(HEADER, ())
        if len(given) == 1 and _ACCEPTED.fullmatch(given[0]):
            request.id = given[0]
        else:
            request.id = new_id()
            request.headers[HEADER] = request.id
        response = await call_next(request)
        response.headers[HEADER] = request.id
        return response


def new_id() -> str:
    """Return 128 random bits as `req-` and 32 hexadecimal digits."""
    return f"req-{random_digits(32)}"
