"""What of HTTP/1.1 aiohttp's parser leaves unchecked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import HttpVersion10, HttpVersion11, hdrs, http_parser

from hx_gateway.config import ConfigError
from hx_gateway.errors import ExpectationError, MalformedRequestError, RefusedMethodError, RefusedUpgradeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.message import Request


def check_parser() -> None:
    """Raise ConfigError if aiohttp runs on its pure-Python parser, which reads some hostile requests differently."""
    if http_parser.HttpRequestParser.__module__ != "aiohttp._http_parser":
        raise ConfigError("aiohttp: its C parser is missing or turned off (AIOHTTP_NO_EXTENSIONS); install its wheel")


def protocol_check(upgrades_ignored: list[str]) -> Callable[[Request], None]:
    """Return a check that refuses what aiohttp's parser lets through.

    That is HTTP/0.9, 2.0 and the like, chunks before HTTP/1.1 (RFC 9112 section 6.1), CONNECT and TRACE, offers of
    another protocol unless they may be ignored, and expectations other than 100-continue (RFC 9110 section 10.1.1).
    """
    ignored = {protocol.lower() for protocol in upgrades_ignored}

    def check(request: Request) -> None:
        headers = request.headers
        version = request.version
        if version != HttpVersion11 and (version != HttpVersion10 or hdrs.TRANSFER_ENCODING in headers):
            raise MalformedRequestError
        if request.method in {"CONNECT", "TRACE"}:
            raise RefusedMethodError
        if hdrs.UPGRADE in headers:
            offered = ",".join(headers.getall(hdrs.UPGRADE)).split(",")
            if not {protocol.strip().lower() for protocol in offered} <= ignored:
                raise RefusedUpgradeError
        if hdrs.EXPECT in headers and headers[hdrs.EXPECT].lower() != "100-continue":
            raise ExpectationError

    return check
