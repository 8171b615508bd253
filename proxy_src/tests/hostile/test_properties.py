"""What no path and no header can do, whatever they hold."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from hx_gateway.errors import GatewayError
from hx_gateway.headers import HOP_BY_HOP, InvalidHeaderError, end_to_end
from hx_gateway.target import check_target

PIECES = st.sampled_from(
    [
        "/",
        "//",
        ".",
        "..",
        "v1",
        "%2e",
        "%2E",
        "%2f",
        "%5c",
        "\\",
        ";",
        "?",
        "#",
        "%",
        "%25",
        "a",
        "key",
        "%00",
        "\u00e9",
    ]
)
PATHS = st.lists(PIECES, max_size=12).map("".join)
NAMES = st.sampled_from(["Connection", "X-A", "Upgrade", "TE", "Transfer-Encoding", "Host", "Trailer", "x-request-id"])
VALUES = st.text(alphabet=st.characters(codec="latin-1"), max_size=12) | st.sampled_from(["close, X-A", "x-request-id"])


@settings(max_examples=1000, derandomize=True)
@given(PATHS)
def test_what_is_let_through_is_under_v1_for_every_reader(rest: str) -> None:
    target = f"/v1/{rest}"
    try:
        check_target(target)
    except GatewayError:
        return
    path = target.partition("?")[0]
    for read in (path, unquote(path), unquote(unquote(path)), URL(path, encoded=True).path, URL(path).path):
        plain = re.sub(r";[^/]*", "", read.replace("\\", "/"))  # without path parameters, as some readers have it
        assert posixpath.normpath(plain).startswith("/v1")
        assert ".." not in plain.split("/")


@settings(derandomize=True)
@given(PATHS)
def test_a_second_look_agrees(rest: str) -> None:
    """What passes passes again as it was forwarded: nothing is rewritten in between."""
    results: list[type[GatewayError] | None] = []
    for _ in range(2):
        try:
            check_target(f"/v1/{rest}")
            results.append(None)
        except GatewayError as error:
            results.append(type(error))
    assert results[0] == results[1]


@settings(max_examples=500, derandomize=True)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_no_hop_by_hop_header_and_no_line_break_crosses(pairs: list[tuple[str, str]]) -> None:
    try:
        kept = end_to_end(pairs)
    except InvalidHeaderError:
        assert any(set(value) & set("\r\n\0") for _, value in pairs)
        return
    assert not {name.lower() for name in kept} & HOP_BY_HOP
    assert not any(set(value) & set("\r\n\0") for value in kept.values())
    assert [value for name, value in pairs if name == "x-request-id"] == kept.getall("x-request-id", [])
    assert end_to_end(kept.items()) == kept
