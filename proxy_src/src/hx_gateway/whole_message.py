"""Messages that arrive whole, in one piece, as nearly all small ones do.

Their body is the rest of the piece: no stream has to be made for it. Only the parser says what the head means; here is
only looked for where it ends, and whether it is worth to ask.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage, RawResponseMessage

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)


def body_begin(data: bytes) -> int:
    """Return where the body begins if `data` looks like one message, no more and no less; else 0."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return 0
    begin = end + 4
    match = _LENGTH.search(data, 0, end + 2)
    return begin if len(data) - begin == (int(match[1]) if match is not None else 0) else 0


def is_framed_so(message: RawRequestMessage | RawResponseMessage, length: int) -> bool:
    """Say whether the parsed head of `message` means a body of `length` bytes, and nothing but HTTP behind it."""
    headers = message.headers
    if message.chunked or message.upgrade or "Transfer-Encoding" in headers:
        return False
    said = headers.get("Content-Length")
    return length == (int(said) if said is not None else 0)
