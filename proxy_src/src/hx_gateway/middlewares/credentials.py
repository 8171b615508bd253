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

HEADERS = ("x-litellm-api-key", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key")
"""Where LiteLLM takes a key from besides Authorization (litellm/proxy/_types.py, SpecialHeaders)."""

_LONGEST = 4096


class Credentials:
    """Sets `request.key`; raises InvalidCredentialError or DoubledCredentialError.

    A request without a credential passes: LiteLLM answers it.
    """

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Pass the request on once its credentials are well-formed."""
        headers = request.headers
        given = headers.getall("Authorization", ())
        found = [_one(given, _BEARER)] if given else []
        found += [_one(headers.getall(name), _TOKEN) for name in HEADERS if name in headers]
        if found:
            # with more than one, which of them counts is LiteLLM's affair: the pair is an identity of its own
            request.key = _digest("\0".join(found))
        return await call_next(request)


def _one(values: list[str] | tuple[()], grammar: re.Pattern[str]) -> str:
    if len(values) != 1:
        raise DoubledCredentialError
    match = grammar.fullmatch(values[0]) if len(values[0]) <= _LONGEST else None
    if match is None:
        raise InvalidCredentialError
    return match[match.re.groups]


@lru_cache(maxsize=4096)
def _digest(credential: str) -> str:
    return sha256(credential.encode()).hexdigest()
