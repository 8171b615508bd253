"""What of HTTP/1.1 aiohttp's parser leaves unchecked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs

from hx_gateway.errors import ExpectationError, MalformedRequestError

if TYPE_CHECKING:
    from hx_gateway.message import Request


def check_protocol(request: Request) -> None:
    """Refuse what aiohttp's parser lets through.

    That is HTTP/0.9, 2.0 and the like, chunks before HTTP/1.1 (RFC 9112 section 6.1), and expectations other than
    100-continue (RFC 9110 section 10.1.1).
    """
    if request.version not in {(1, 0), (1, 1)}:
        raise MalformedRequestError
    if request.version == (1, 0) and hdrs.TRANSFER_ENCODING in request.headers:
        raise MalformedRequestError
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise ExpectationError
