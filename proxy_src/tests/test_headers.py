"""Headers that cross the proxy, and those that do not."""

from __future__ import annotations

import pytest

from hx_gateway.headers import HOP_BY_HOP, InvalidHeaderError, end_to_end
from hx_gateway.middlewares.credentials import HEADERS
from hx_gateway.middlewares.sessions import LITELLM_HEADERS
from hx_gateway.middlewares.usage_records import CALL_ID


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_hop_by_hop(name: str) -> None:
    assert list(end_to_end([(name.title(), "x"), ("A", "1")]).items()) == [("A", "1")]


def test_order_and_duplicates_are_kept() -> None:
    pairs = [("B", "2"), ("Set-Cookie", "a"), ("A", "1"), ("set-cookie", "b")]
    assert list(end_to_end(pairs).items()) == pairs


@pytest.mark.parametrize(
    ("connection", "kept"),
    [
        (["close"], ["X-A", "X-B"]),
        (["x-a"], ["X-B"]),
        ([" X-A ,close,x-b"], []),
        (["X-A", "x-b"], []),
        ([""], ["X-A", "X-B"]),
        ([",,"], ["X-A", "X-B"]),
    ],
)
def test_named_by_connection(connection: list[str], kept: list[str]) -> None:
    pairs = [("X-A", "1"), *(("Connection", value) for value in connection), ("X-B", "2")]
    assert list(end_to_end(pairs)) == kept


def test_connection_cannot_name_what_the_gateway_says() -> None:
    pairs = [("Connection", "X-Forwarded-For, authorization, X-Mine"), ("X-Forwarded-For", "1"), ("X-Mine", "2")]
    assert list(end_to_end([*pairs, ("Authorization", "x")])) == ["X-Forwarded-For", "Authorization"]


@pytest.mark.parametrize("name", [*HEADERS, CALL_ID, *LITELLM_HEADERS, "X-LiteLLM-Tags", "OpenAI-Organization"])
def test_connection_cannot_name_what_requests_are_told_apart_by(name: str) -> None:
    assert list(end_to_end([("Connection", f"close, {name}"), (name, "1")])) == [name]


def test_dropped_by_name() -> None:
    assert list(end_to_end([("Host", "h"), ("A", "1")], drop=frozenset({"host"}))) == ["A"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [("plain\ttext", "plain\ttext"), ("caf\u00e9", "caf\u00e9"), ("a\udce9b", "a?b"), ("\x01", "\x01")],
)
def test_unusual_values(value: str, kept: str) -> None:
    assert end_to_end([("A", value)])["A"] == kept


@pytest.mark.parametrize("value", ["a\r\nB: 1", "a\nb", "a\rb", "a\0b"])
def test_values_that_would_split_a_message(value: str) -> None:
    with pytest.raises(InvalidHeaderError):
        end_to_end([("A", value)])


def test_a_name_with_a_space_after_it() -> None:
    """aiohttp's parser of answers lets it through, and takes a length from it."""
    with pytest.raises(InvalidHeaderError):
        end_to_end([("Content-Length ", "3")])
