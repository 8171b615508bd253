"""Knows whose request it is, and lets no credential through that only some parsers would accept."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from hx_gateway.errors import DoubledCredentialError, InvalidCredentialError

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9._~+/-]+=*)")
"""credentials = "Bearer" 1*SP b64token (RFC 6750 section 2.1); one space, as every client sends it."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")

HEADERS = ("x-litellm-api-key", "Authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key")
"""Where LiteLLM takes a key from, in its order: the first that a request has counts.

(1.106.2, proxy/auth/user_api_key_auth.py, get_api_key.)
"""

_LONGEST = 4096


class Credentials:
    """Sets `request.key`; raises InvalidCredentialError or DoubledCredentialError.

    Of several kinds the one counts that LiteLLM takes; the others are passed on, for a provider may be meant by them.
    A request without a credential passes: LiteLLM answers it.
    """

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Pass the request on once its credentials are well-formed."""
        headers = request.headers
        found = [
            _one(headers.getall(name), _BEARER if name == "Authorization" else _TOKEN)
            for name in HEADERS
            if name in headers
        ]
        if found:
            request.key = _digest(found[0])
            request.has_more_credentials = len(found) > 1
        return await call_next(request)


def _one(values: list[str], grammar: re.Pattern[str]) -> str:
    if len(values) != 1:
        raise DoubledCredentialError
    match = grammar.fullmatch(values[0]) if len(values[0]) <= _LONGEST else None
    if match is None:
        raise InvalidCredentialError
    return match[match.re.groups]


@lru_cache(maxsize=4096)
def _digest(credential: str) -> str:
    return sha256(credential.encode()).hexdigest()
