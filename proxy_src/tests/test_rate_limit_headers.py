"""What clients are told, as OpenAI would say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hx_gateway.rate_limit_headers import duration, retry_after, write
from hx_gateway.stores.limits_base import Verdict

from limits import limit, plan


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (20, "20ms"),
        (999, "999ms"),
        (1000, "1s"),
        (8640, "8.64s"),
        (59_912, "59.912s"),
        (60_000, "1m0s"),
        (360_000, "6m0s"),
        (361_500, "6m1.5s"),
        (3_600_000, "1h0m0s"),
        (86_400_001, "24h0m0.001s"),
    ],
)
def test_durations(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@given(st.integers(0, 10**10))
def test_a_duration_can_be_read_back(milliseconds: int) -> None:
    rest, total = duration(milliseconds), 0.0
    for unit, factor in (("h", 3_600_000), ("m", 60_000)):
        if unit in rest.replace("ms", ""):
            value, rest = rest.split(unit, 1)
            total += int(value) * factor
    total += float(rest[:-2]) if rest.endswith("ms") else float(rest[:-1]) * 1000
    assert round(total) == milliseconds


@pytest.mark.parametrize(("milliseconds", "text"), [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (60_000, "60")])
def test_retry_after(milliseconds: int, text: str) -> None:
    assert retry_after(milliseconds) == text


def written(verdict: Verdict, *limits: dict[str, object], theirs: dict[str, str] | None = None) -> dict[str, str]:
    headers: CIMultiDict[str] = CIMultiDict(theirs or {})
    write(headers, plan(*limits), verdict)
    return dict(headers)


def test_the_one_with_the_least_remaining_is_named() -> None:
    limits = (limit("a", amount=10), limit("b", amount=100), limit("c", "tokens", 1000), limit("d", "concurrent", 1))
    verdict = Verdict(-1, 0, [5, 4, 900, 0], [1000, 60_000, 20, 0])
    assert written(verdict, *limits) == {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "4",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "900",
        "x-ratelimit-reset-tokens": "20ms",
    }


def test_the_one_that_refused_is_named_even_if_another_has_less() -> None:
    limits = (limit("a", "tokens", 10), limit("b", "tokens", 100))
    verdict = Verdict(1, 1, [3, 4], [1000, 60_000])
    assert written(verdict, *limits)["x-ratelimit-limit-tokens"] == "100"


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        ("3", True),
        ("4", False),
        ("5", False),
        ("-1", False),
        ("", False),
        ("x", False),
        ("9" * 50, False),
        ("²", False),
    ],
)
def test_litellms_are_kept_where_less_remains(theirs: str, kept: bool) -> None:
    said = {"X-RateLimit-Remaining-Requests": theirs, "x-ratelimit-limit-requests": "7", "x-other": "1"}
    found = CIMultiDict(written(Verdict(-1, 0, [4], [1000]), limit(amount=10), theirs=said))
    assert found["x-other"] == "1"
    if kept:
        assert found["x-ratelimit-limit-requests"] == "7"
        assert "x-ratelimit-reset-requests" not in found
    else:
        assert found["x-ratelimit-limit-requests"] == "10"
        assert found.getall("x-ratelimit-remaining-requests") == ["4"]


def test_what_a_kept_answer_says_of_litellms_limits_is_old() -> None:
    headers: CIMultiDict[str] = CIMultiDict({"x-ratelimit-remaining-requests": "1"})
    write(headers, plan(limit(amount=10)), Verdict(-1, 0, [4], [1000]), kept=True)
    assert headers["x-ratelimit-remaining-requests"] == "4"
