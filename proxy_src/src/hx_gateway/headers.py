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

_UNUSUAL = re.compile(r"[^\t\x20-\x7e]")
_NEVER = re.compile(r"[\r\n\0]")


class InvalidHeaderError(ValueError):
    """A header value holds CR, LF or NUL (RFC 9110 section 5.5)."""


def end_to_end(headers: Iterable[tuple[str, str]], *, drop: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """Return the headers that concern the other end, in order, duplicates kept.

    Left out are the hop-by-hop ones, those named by Connection, and those in `drop` (lower case). Bytes that are
    not UTF-8 become `?`, since they cannot be written again. Raises InvalidHeaderError.
    """
    pairs = list(headers)
    left_out = HOP_BY_HOP | drop
    for name, value in pairs:
        if name.lower() == "connection":
            left_out |= {option.strip().lower() for option in value.split(",")}
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in pairs:
        if name.lower() not in left_out:
            kept.add(name, value if _UNUSUAL.search(value) is None else _writable(value))
    return kept


def _writable(value: str) -> str:
    if _NEVER.search(value):
        raise InvalidHeaderError
    return value.encode("utf-8", "replace").decode()
