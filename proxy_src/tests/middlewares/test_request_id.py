"""One id for client, gateway and upstream."""

from __future__ import annotations

import re

import pytest

from running import gateway
from wire import ask, reply, request, say, upstream

MADE = re.compile(r"req-[0-9a-f]{32}")


@pytest.mark.parametrize("given", ["a", "req-1", "0d8f3c5e-9f0a-4f0e-8c7a-000000000000", "trace:1.2_3", "x" * 128])
async def test_a_sane_id_is_kept(given: str) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(headers=[f"X-Request-Id: {given}"]))
        assert answer.all("x-request-id") == [given]
        assert up.seen[0].all("x-request-id") == [given]
    assert gw.log()[0]["id"] == given


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["X-Request-Id: "],
        ["X-Request-Id: a b"],
        ['X-Request-Id: a"b'],
        ["X-Request-Id: -a"],
        ["X-Request-Id: a/../b"],
        ["X-Request-Id: <script>"],
        ["X-Request-Id: \u00e9"],
        [f"X-Request-Id: {'x' * 129}"],
        ["X-Request-Id: a", "X-Request-Id: b"],
    ],
)
async def test_any_other_is_replaced(headers: list[str]) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(headers=headers))
        ids = answer.all("x-request-id")
        assert len(ids) == 1
        assert MADE.fullmatch(ids[0])
        assert up.seen[0].all("x-request-id") == ids


async def test_ids_differ_and_replace_the_upstreams() -> None:
    async with upstream(say(reply(200, b"", ["X-Request-Id: theirs"]))) as up, gateway(up.url) as gw:
        first, second = [(await ask(gw.port, request())).all("x-request-id") for _ in range(2)]
        assert first != second
        assert "theirs" not in first


async def test_errors_carry_it_too() -> None:
    async with gateway() as gw:
        answer = await ask(gw.port, request("/nowhere", headers=["X-Request-Id: mine"]))
        assert (answer.status, answer.get("x-request-id")) == (404, "mine")
