"""Lines of an event stream, whatever the network makes of them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hx_gateway.sse import LONGEST_LINE, LineReader, data_of


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_cuts_make_no_difference(data: bytes, cuts: list[int]) -> None:
    reader = LineReader()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    lines = [line for start, end in itertools.pairwise(edges) for line in reader.feed(data[start:end])]
    assert lines == data.split(b"\n")[:-1]


def test_an_endless_line_costs_no_more_than_the_limit() -> None:
    reader = LineReader()
    for _ in range(5):
        assert reader.feed(b"x" * (LONGEST_LINE // 2)) == []
    assert len(reader._rest) <= LONGEST_LINE
    assert reader.feed(b"end of it\nnext\n") == [b"next"]


def test_data_lines() -> None:
    assert [data_of(line) for line in (b"data: a", b"data:a\r", b"data", b"event: x", b":data: x", b"")] == [
        b"a",
        b"a",
        None,
        None,
        None,
        None,
    ]
