"""What a request target means, decided on its raw bytes.

Clients, this gateway and LiteLLM each have a URL parser, and they differ on dot segments, encoded slashes and
doubled slashes. A target on which they could differ is refused instead of repaired, and the rest is sent on
unchanged.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from hx_gateway.errors import NotFoundError, RefusedHostError, RefusedTargetError

_VISIBLE = re.compile(r"[\x21-\x7e]+")
"""All a target may consist of: RFC 3986 has no spaces, controls or bytes above 0x7e."""

_AMBIGUOUS = re.compile(
    r"""
      //                                # doubled slash
    | /\.{1,2}(?=[/;]|\Z)               # dot segment, also before a path parameter
    | [\\\#]                            # backslash; a fragment is never sent (RFC 9112 section 3.2)
    | %(?![0-9A-Fa-f]{2})               # broken escape
    | %(?:[01][0-9A-Fa-f]|7[Ff])        # control character, NUL among them
    | %(?:2[EeFf]|5[Cc])                # encoded dot, slash, backslash
    | %(?:2[35]|3[BbFf])                # encoded # % ; ? : a second decoding would read them
    """,
    re.VERBOSE,
)

_ABSOLUTE = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""uri-host [":" port] (RFC 9110 section 7.2), names as the DNS and container engines have them."""

PREFIX = "/v1/"


def check_host(values: list[str], version: tuple[int, int]) -> str:
    """Return the one Host value.

    Raises RefusedHostError if it is missing (HTTP/1.0 may leave it out: then ""), doubled or malformed.
    """
    if not values and version < (1, 1):
        return ""
    if len(values) != 1 or not _HOST.fullmatch(values[0]):
        raise RefusedHostError
    return values[0]


def origin_form(target: str, host: str) -> str:
    """Return `target` as path and query; absolute-form only if its authority is `host`.

    Raises RefusedTargetError for another authority, asterisk-form and authority-form
    (RFC 9112 sections 3.2.1 to 3.2.4).
    """
    if target.startswith("/"):
        return target
    match = _ABSOLUTE.fullmatch(target)
    if match is None or not host or match[1].lower() != host.lower():
        raise RefusedTargetError
    rest = match[2]
    return rest if rest.startswith("/") else f"/{rest}"


@lru_cache(maxsize=512)
def check_target(target: str) -> None:
    """Raise unless `target`, in origin-form, is under /v1/ for every parser that will read it.

    RefusedTargetError: it is ambiguous. NotFoundError: it is clear, and is something else.
    """
    if not _VISIBLE.fullmatch(target):
        raise RefusedTargetError
    path, _, query = target.partition("?")
    if _AMBIGUOUS.search(path) or "#" in query:
        raise RefusedTargetError
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise RefusedTargetError from None
    if not path.startswith(PREFIX):
        raise NotFoundError


def decoded_path(target: str) -> str:
    """Return the path of an origin-form target, percent-decoded once."""
    path = target.partition("?")[0]
    return unquote_to_bytes(path).decode("utf-8", "replace") if "%" in path else path
