"""Hostile requests over raw sockets: none of them reaches the upstream."""

from __future__ import annotations

import orjson
import pytest

from test_target import REFUSED, UNKNOWN

from running import gateway
from wire import ask, request, upstream

ON_THE_WIRE = [target for target in REFUSED if not set(target) & set(" \t\0\x7f")]
"""What an HTTP parser lets through; the rest is covered by test_server."""


async def test_refused_and_unknown_targets_never_reach_the_upstream() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        for targets, status, code in ((ON_THE_WIRE, 400, "invalid_target"), (UNKNOWN, 404, "unknown_url")):
            for target in targets:
                answer = await ask(gw.port, request(target))
                assert answer.status == status, target
                if answer.get("x-request-id") is not None and b"malformed_request" not in answer.body:
                    assert orjson.loads(answer.body)["error"]["code"] == code, target
                assert target.encode("latin-1") not in answer.body or target in {"/", "/v1", "/health"}
        assert up.seen == []


@pytest.mark.parametrize(
    ("headers", "target", "status"),
    [
        (["Host: a", "Host: a"], "/v1/x", 400),
        (["Host: a", "Host: b"], "/v1/x", 400),
        ([], "/v1/x", 400),
        (["Host: a b"], "/v1/x", 400),
        (["Host: 127.0.0.1:4000/key"], "/v1/x", 400),
        (["Host: a@b"], "/v1/x", 400),
        (["Host: a"], "http://b/v1/x", 400),
        (["Host: a"], "http://a/key/info", 404),
        (["Host: a"], "http://a/v1/../key/info", 400),
        (["Host: a"], "*", 400),
        (["Host: a"], "http://a/v1/x?y=1", 200),
        (["Host: [::1]:4010"], "/v1/x?y=1", 200),
    ],
)
async def test_host_and_absolute_form(headers: list[str], target: str, status: int) -> None:
    lines = "\r\n".join([f"GET {target} HTTP/1.1", *headers, "", ""])
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, lines.encode())
        assert answer.status == status
        assert [seen.target for seen in up.seen] == (["/v1/x?y=1"] if status == 200 else [])


async def test_http_1_0_without_host_is_served() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        assert (await ask(gw.port, b"GET /v1/x HTTP/1.0\r\n\r\n")).status == 200


async def test_left_out_it_lets_everything_through() -> None:
    async with upstream() as up, gateway(up.url, middlewares={"disable": ["path_gate"]}) as gw:
        assert (await ask(gw.port, request("/key/info"))).status == 200
        assert up.seen[0].target == "/key/info"
