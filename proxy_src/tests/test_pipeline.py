"""Leaving out, replacing and adding middlewares."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.config import ConfigError
from hx_gateway.config.middlewares import MIDDLEWARES, Middlewares
from hx_gateway.pipeline import check_factories, ordered

from running import configured, gateway
from wire import ask, chunk, reply, request, upstream

if TYPE_CHECKING:
    from pathlib import Path

    from wire import Seen


def test_the_order() -> None:
    assert [name for name, _ in ordered()] == [
        "request_id",
        "trace_context",
        "tracing",
        "access_log",
        "metrics",
        "usage_records",
        "errors",
        "health",
        "api_document",
        "path_gate",
        "forwarded",
        "credentials",
        "client_limits",
        "json_body",
        "prefetch",
        "sessions",
        "rate_limits",
        "cache",
        "token_usage",
        "embeddings",
    ]


async def test_added_ones_stand_where_they_are_told() -> None:
    added = [
        {"factory": "plugins:a"},
        {"factory": "plugins:b"},
        {"factory": "plugins:b", "before": "request_id"},
        {"factory": "plugins:a", "before": "path_gate"},
    ]
    async with upstream() as up, gateway(up.url, middlewares={"add": added}) as gw:
        answer = await ask(gw.port, request())
        assert up.seen[0].get("X-In") == "baab"
        assert answer.get("X-Out") == "baab"
        refused = await ask(gw.port, request("/v1/../x"))
        assert (refused.status, refused.get("X-Out")) == (400, "b")  # the inner one saw an exception pass


async def test_replaced_ones_stand_in_the_same_place() -> None:
    async with upstream() as up, gateway(up.url, middlewares={"replace": {"embeddings": "plugins:a"}}) as gw:
        await ask(gw.port, request("/v1/embeddings", "POST", body=b'{"prompt":"x"}'))
        assert up.seen[0].get("X-In") == "a"
        assert up.seen[0].body == b'{"prompt":"x"}'


@pytest.mark.parametrize("name", MIDDLEWARES)
async def test_any_can_be_left_out(name: str) -> None:
    async with upstream() as up, gateway(up.url, middlewares={"disable": [name]}) as gw:
        assert (await ask(gw.port, request("/v1/x", "POST", body=b"abc"))).body == b"abc"
        assert (await ask(gw.port, request("/healthz"))).status == (404 if name == "health" else 200)
        assert (await ask(gw.port, request("/v1/../x"))).status == (200 if name == "path_gate" else 400)


async def test_leaving_the_gate_out_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway(middlewares={"disable": ["path_gate"]}):
        assert "path_gate_disabled" in caplog.text


async def test_all_can_be_left_out() -> None:
    async with upstream() as up, gateway(up.url, middlewares={"disable": list(MIDDLEWARES)}) as gw:
        answer = await ask(gw.port, request("/anything"))
        assert (answer.status, answer.get("x-request-id")) == (200, None)
        assert {name for name, _ in up.seen[0].headers} == {"Host"}


async def test_an_answer_that_is_thrown_away_stops_the_upstream() -> None:
    async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"x"))
        await asyncio.sleep(30)

    async with upstream(endless) as up, gateway(up.url, middlewares={"add": [{"factory": "plugins:Instead"}]}) as gw:
        answer = await ask(gw.port, request())
        assert (answer.status, answer.body) == (203, b"instead")
        await asyncio.wait_for(up.gone.wait(), 1)


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"add": [{"factory": "no_such_module:x"}]}, r"middlewares\.add\[0\]\.factory: no_such_module:x cannot be"),
        ({"add": [{"factory": "plugins:a"}, {"factory": "plugins:x"}]}, r"middlewares\.add\[1\]\.factory: plugins:x"),
        ({"add": [{"factory": "plugins:not_callable"}]}, "is not callable"),
        ({"replace": {"errors": "plugins:x"}}, r"middlewares\.replace\.errors: plugins:x cannot be imported"),
    ],
)
async def test_factories_that_cannot_be_loaded(section: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        check_factories(Middlewares.model_validate(section))
    with pytest.raises(ConfigError, match=line):
        async with gateway(middlewares=section):
            pass


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def", "SyntaxError: invalid syntax"),
        ("{}['a']", "KeyError: 'a'"),
        ("raise SystemExit(1)", "SystemExit: 1"),
        ("raise OSError('of sk-secret')", r"OSError: of sk-\*\*\*$"),
    ],
)
def test_modules_that_fail(text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fails_at_once.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    config = Middlewares.model_validate({"add": [{"factory": "fails_at_once:x"}]})
    with pytest.raises(ConfigError, match=rf"factory: fails_at_once:x cannot be imported: {reason}"):
        check_factories(config)


def test_example_configurations_are_independent() -> None:
    assert configured().middlewares.disable == []
