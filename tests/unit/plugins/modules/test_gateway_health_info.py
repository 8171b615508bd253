# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_health_info
from ansible_collections.hx.gateway.tests.support.http_stub import HttpStub, Reply, closed_port, json_reply
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

ALIVE = json_reply(200, {"ok": True, "note": "HX wrapper – proxy mode"})
READY = json_reply(200, {"ready": True, "litellm": "healthy", "database": "connected", "reason": None, "limits": "off"})
LOST = json_reply(503, {"ready": False, "litellm": "unhealthy", "database": "disconnected", "reason": "no database"})


def ask(url: str, **arguments: t.Any) -> Outcome:
    outcome = run_module(gateway_health_info.main, url=url, **arguments)
    assert not outcome.failed, outcome.text
    return outcome


def test_a_ready_gateway() -> None:
    with HttpStub({"/healthz": [ALIVE], "/readyz": [READY]}) as server:
        outcome = ask(server.url)
    assert outcome.data.items() >= {
        "alive": True, "ready": True, "reason": "", "note": "HX wrapper – proxy mode", "litellm": "healthy",
        "database": "connected", "limits": "off", "attempts": 1,
    }.items()  # fmt: skip
    assert outcome.names == documented_names(gateway_health_info)


@pytest.mark.parametrize(
    ("health", "readiness", "alive", "reason"),
    [
        (ALIVE, LOST, True, "no database"),
        (ALIVE, json_reply(503, {"ready": False}), True, "/readyz answered 503"),
        (ALIVE, json_reply(503, {"ready": True}), True, "/readyz answered 503"),
        (ALIVE, json_reply(200, []), True, "/readyz answered 200 with something else"),
        (ALIVE, json_reply(200, b"<p>", "text/html"), True, "the service answered 200 with an HTML page"),
        (json_reply(404, {}), READY, False, "/healthz answered 404 with something else"),
        (json_reply(200, {"ok": "yes"}), READY, False, "/healthz answered 200 with something else"),
    ],
)
def test_a_gateway_that_is_not_ready(health: Reply, readiness: Reply, alive: bool, reason: str) -> None:
    with HttpStub({"/healthz": [health], "/readyz": [readiness]}) as server:
        outcome = ask(server.url)
    assert (outcome["alive"], outcome["ready"]) == (alive, False)
    assert outcome["reason"].startswith(reason)


def test_nothing_that_listens() -> None:
    outcome = ask(f"http://127.0.0.1:{closed_port()}")
    assert (outcome["alive"], outcome["reason"]) == (False, "the connection was refused; nothing listens there")


def test_readiness_is_waited_for() -> None:
    with HttpStub({"/healthz": [ALIVE], "/readyz": [LOST, READY]}) as server:
        outcome = ask(server.url, wait=True, timeout=10, poll_interval=0.01)
    assert (outcome["ready"], outcome["attempts"]) == (True, 2)


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"url": "x"}, "url must be"), ({"request_timeout": 0}, "request_timeout"), ({"timeout": -1}, "timeout must not")],
)
def test_bad_options_are_named(options: dict[str, t.Any], problem: str) -> None:
    outcome = run_module(gateway_health_info.main, **{"url": "http://x", **options})
    assert outcome.failed
    assert outcome["msg"].startswith(problem)
