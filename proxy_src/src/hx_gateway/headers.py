"""Which headers cross a proxy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    }
)
"""What Connection cannot name: fields for the other end, or the gateway's own word (RFC 9110 section 7.6.1)."""

_NEVER = re.compile(r"[\r\n\0]")


class InvalidHeaderError(ValueError):
    """A value holds CR, LF or NUL (RFC 9110 section 5.5), or a name ends with a space (RFC 9112 section 5.1)."""


def end_to_end(headers: Iterable[tuple[str, str]], *, drop: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """Return the headers that concern the other end, in order, duplicates kept.

    Left out are the hop-by-hop ones, those named by Connection, and those in `drop`. Bytes that are not UTF-8
    become `?`, since they cannot be written again. Raises InvalidHeaderError.
    """
    kept: CIMultiDict[str] = CIMultiDict(headers)
    if " " in "".join(kept):
        raise InvalidHeaderError
    if "connection" in kept:
        for value in kept.getall("connection"):
            for option in value.split(","):
                name = option.strip()
                if name.lower() not in _ALWAYS_KEPT:
                    kept.popall(name, None)
    for name in HOP_BY_HOP:
        if name in kept:
            del kept[name]
    for name in drop:
        if name in kept:
            del kept[name]
    values = "".join(kept.values())
    if values.isascii() and values.isprintable():  # as nearly all are
        return kept
    return CIMultiDict([(name, _writable(value)) for name, value in kept.items()])


def _writable(value: str) -> str:
    if _NEVER.search(value):
        raise InvalidHeaderError
    return value.encode("utf-8", "replace").decode()
