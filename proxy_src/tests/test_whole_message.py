"""Whether a piece of bytes is one message, and all of it."""

from __future__ import annotations

import pytest

from hx_gateway.whole_message import body_begin

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("data", "begin"),
    [
        (HEAD + b"\r\n", len(HEAD) + 2),
        (HEAD + b"Content-Length: 3\r\n\r\nabc", len(HEAD) + 21),
        (HEAD + b"content-length:\t3 \r\n\r\nabc", len(HEAD) + 22),
        (HEAD + b"Content-Length: 3\r\n\r\nab", 0),
        (HEAD + b"Content-Length: 3\r\n\r\nabcd", 0),
        (HEAD + b"Content-Length: 0\r\n\r\n" + HEAD, 0),
        (HEAD + b"X-Content-Length: 3\r\n\r\nabc", 0),
        (HEAD + b"Content-Length: -3\r\n\r\nabc", 0),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0),
        (HEAD, 0),
        (b"", 0),
        # a length in the body is none
        (HEAD + b"\r\n\r\nContent-Length: 0\r\n", 0),
    ],
)
def test_where_the_body_begins(data: bytes, begin: int) -> None:
    assert body_begin(data) == begin
