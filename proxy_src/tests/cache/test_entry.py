"""Answers as they are kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hx_gateway.cache.entry import Entry, decode, encode, kept_headers

ENTRY = Entry(200, (("Content-Type", "text/event-stream"),), (b"data: 1\n\n", b"data: 2\n\n"), True, 1000.5)


@given(st.lists(st.binary(), max_size=5), st.booleans(), st.lists(st.text("0123abc", max_size=4), max_size=3))
def test_what_is_encoded_is_decoded(pieces: list[bytes], stream: bool, marks: list[str]) -> None:
    entry = ENTRY._replace(pieces=tuple(pieces), stream=stream)
    assert decode(encode(entry, marks)) == (entry, marks)


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}\n", b"[1]\n", b"null\n", b"x", encode(ENTRY, [])[:-1], encode(ENTRY, []) + b"x", b"\xff\n"],
)
def test_anything_else_is_nothing(data: bytes) -> None:
    assert decode(data) is None


def test_headers_of_one_request_are_left_out() -> None:
    headers = CIMultiDict(
        {
            "content-type": "application/json",
            "x-litellm-model-id": "m1",
            "x-litellm-call-id": "c",
            "x-litellm-response-cost": "1",
            "x-ratelimit-remaining-requests": "1",
            "date": "now",
            "set-cookie": "a=b",
            "x-request-id": "r",
            "content-length": "7",
        }
    )
    assert kept_headers(headers) == (("Content-Type", "application/json"), ("x-litellm-model-id", "m1"))


async def test_a_stream_is_given_again_in_its_pieces() -> None:
    response = ENTRY.response()
    assert not isinstance(response.body, bytes)
    assert [piece async for piece in response.body] == list(ENTRY.pieces)
    await response.aclose()
    assert ENTRY._replace(stream=False).response().body == b"".join(ENTRY.pieces)
    assert ENTRY.size == 18


def test_age() -> None:
    assert 4.9 < ENTRY._replace(created=time.time() - 5).age() < 6
    assert ENTRY._replace(created=time.time() + 3600).age() == 0
