"""traceparent and tracestate, valid and not, as an upstream gets them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from running import gateway
from wire import ask, request, upstream

if TYPE_CHECKING:
    from wire import Seen

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"
SENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


async def sent(*headers: str) -> tuple[Seen, tuple[str, str, str], str]:
    """Return what the upstream saw, its traceparent in parts, and the trace in the log."""
    async with upstream() as up, gateway(up.url) as gw:
        await ask(gw.port, request(headers=headers))
    (value,) = up.seen[0].all("traceparent")
    match = SENT.fullmatch(value)
    assert match is not None
    (line,) = gw.log()
    return up.seen[0], (match[1], match[2], match[3]), line["trace_id"]


async def test_a_trace_is_continued_with_a_span_of_our_own() -> None:
    seen, (trace, span, flags), logged = await sent(f"traceparent: {VALID}", "tracestate: a=1", "TraceState: b@v=2")
    assert (trace, flags, logged) == (TRACE, "01", TRACE)
    assert span not in {SPAN, "0" * 16}
    assert seen.all("tracestate") == ["a=1", "b@v=2"]


async def test_a_trace_is_started_where_there_is_none() -> None:
    _, (first, span, flags), logged = await sent()
    _, (second, _, _), _ = await sent()
    assert first == logged
    assert len({first, second, "0" * 32}) == 3
    assert span != "0" * 16
    assert flags == "01"


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-00", "00"),
        (f"00-{TRACE}-{SPAN}-02", "00"),
        (f"00-{TRACE}-{SPAN}-ff", "01"),
        (f"01-{TRACE}-{SPAN}-01", "01"),
        (f"cc-{TRACE}-{SPAN}-00-what-the-future-will-be-like", "00"),
    ],
)
async def test_only_the_flag_that_is_known_is_passed_on(given: str, flags: str) -> None:
    _, (trace, _, passed), _ = await sent(f"traceparent: {given}")
    assert (trace, passed) == (TRACE, flags)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        VALID.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}a-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-xx",
        f"{VALID}-extra",
        f"{VALID}.01",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"0-{TRACE}-{SPAN}-01",
        f"00_{TRACE}-{SPAN}-01",
        f"{VALID},{VALID}",
    ],
)
async def test_a_malformed_one_is_replaced_and_its_state_dropped(given: str) -> None:
    seen, (trace, _, _), _ = await sent(f"traceparent: {given}", "tracestate: a=1")
    assert trace != TRACE
    assert seen.all("tracestate") == []


async def test_a_doubled_one_is_replaced() -> None:
    _, (trace, _, _), _ = await sent(f"traceparent: {VALID}", f"traceparent: {VALID}")
    assert trace != TRACE


async def test_a_state_without_a_trace_is_dropped() -> None:
    seen, _, _ = await sent("tracestate: a=1")
    assert seen.all("tracestate") == []


@pytest.mark.parametrize(
    "state",
    [
        "a=1",
        "a=1,,b=2",
        "a=1 , \tb=2",
        "fw529a3039@dt=FfffffffffffffffffFAf",
        "0tenant@sys=1",
        "a=" + "x" * 256,
        "k" * 256 + "=1",
        ",".join(f"k{number}=1" for number in range(32)),
    ],
)
async def test_a_state_that_can_be_read_is_kept(state: str) -> None:
    seen, _, _ = await sent(f"traceparent: {VALID}", f"tracestate: {state}")
    assert seen.all("tracestate") == [state]


@pytest.mark.parametrize(
    "state",
    [
        ",",
        "a",
        "a=",
        "=1",
        "A=1",
        "0a=1",
        "a b=1",
        "a=1=2",
        "a=1,a=2",
        "a@b@c=1",
        "a=" + "x" * 257,
        "k" * 257 + "=1",
        ",".join(f"k{number}=1" for number in range(33)),
    ],
)
async def test_a_state_that_cannot_be_read_is_dropped(state: str) -> None:
    seen, (trace, _, _), _ = await sent(f"traceparent: {VALID}", f"tracestate: {state}")
    assert (trace, seen.all("tracestate")) == (TRACE, [])
