"""Which headers cross a proxy."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multidict import MultiMapping

HOP_BY_HOP = frozenset(
    {
        # RFC 9110 section 7.6.1
        "connection",
        "proxy-connection",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade",
        # RFC 9110 section 6.6.2: announces trailers, which are not passed on
        "trailer",
        # RFC 9110 section 11.7: between a client and the proxy that asks for it
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
    }
)

_ALWAYS_KEPT = frozenset(
    {
        "authorization",
        "content-encoding",
        "content-type",
        "traceparent",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-id",
        # the credentials, see middlewares/credentials.py
        "api-key",
        "ocp-apim-subscription-key",
        "x-api-key",
        "x-goog-api-key",
    }
)
"""What Connection cannot name: fields for the other end, or the gateway's own word (RFC 9110 section 7.6.1)."""

_KEPT_KINDS = ("x-litellm-", "openai-", "anthropic-")
"""As little: by what the gateway says, or has counted and looked up, LiteLLM must go too."""

_NEVER = re.compile(r"[\r\n\0]")


class InvalidHeaderError(ValueError):
    """A value holds CR, LF or NUL (RFC 9110 section 5.5), or a name ends with a space (RFC 9112 section 5.1)."""


def end_to_end(
    headers: MultiMapping[str] | Iterable[tuple[str, str]], *, drop: frozenset[str] = frozenset()
) -> CIMultiDict[str]:
    """Return the headers that concern the other end, in order, duplicates kept.

    Left out are the hop-by-hop ones, those named by Connection, and those in `drop`. Bytes that are not UTF-8
    become `?`, since they cannot be written again. Raises InvalidHeaderError.
    """
    kept: CIMultiDict[str] = CIMultiDict(headers)
    for name in _not_kept(tuple(kept), drop):
        if name == "connection":
            for option in ",".join(kept.getall(name)).split(","):
                named = option.strip().lower()
                if named not in _ALWAYS_KEPT and not named.startswith(_KEPT_KINDS):
                    kept.popall(named, None)
        kept.popall(name, None)
    values = "".join(kept.values())
    if values.isascii() and values.isprintable():  # as nearly all are
        return kept
    return CIMultiDict([(name, _writable(value)) for name, value in kept.items()])


@lru_cache(maxsize=128)
def _not_kept(names: tuple[str, ...], drop: frozenset[str]) -> tuple[str, ...]:
    """Return those of `names` that do not cross, in lower case; clients send the same names again and again."""
    if any(" " in name for name in names):
        raise InvalidHeaderError
    found = {name.lower() for name in names} & (HOP_BY_HOP | drop)
    return tuple(sorted(found))


def _writable(value: str) -> str:
    if _NEVER.search(value):
        raise InvalidHeaderError
    return value.encode("utf-8", "replace").decode()
