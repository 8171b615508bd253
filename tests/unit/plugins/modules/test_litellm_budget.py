# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all modules that manage one resource have in common, tried with the simplest of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.modules import litellm_budget, litellm_budget_info
from ansible_collections.hx.gateway.tests.support.http_stub import HttpStub, Reply, json_reply, raw_reply
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

KEY = "sk-never-shown-3f9c"
INFO, NEW, UPDATE, DELETE = "/budget/info", "/budget/new", "/budget/update", "/budget/delete"
BUDGET = {"budget_id": "b", "max_budget": 10.0, "soft_budget": None, "budget_duration": "30d", "rpm_limit": None}
NONE = json_reply(200, [])
DONE = json_reply(200, {})


def run(server: HttpStub, **arguments: t.Any) -> Outcome:
    """Run the module; whatever comes of it, the key is not shown."""
    settings = {"api_key": KEY, "retries": 0, "timeout": 2, "_ansible_diff": True}
    stated = {"url": server.url, "budget_id": "b", **settings, **arguments}
    outcome = run_module(litellm_budget.main, **stated)
    assert KEY not in outcome.text
    return outcome


def written(server: HttpStub) -> list[tuple[str, t.Any]]:
    """Return what was sent besides questions."""
    return [(path, body) for _method, path, body in server.calls if path != INFO]


def test_one_is_made_of_what_is_stated() -> None:
    with HttpStub({INFO: [NONE, json_reply(200, [BUDGET])], NEW: [DONE]}) as server:
        outcome = run(server, max_budget=10, budget_duration="30d")
    assert (outcome["changed"], outcome["action"]) == (True, "created")
    assert written(server) == [(NEW, {"budget_id": "b", "max_budget": 10.0, "budget_duration": "30d"})]
    assert outcome["diff"]["after"] == {"budget_id": "b", "max_budget": 10.0, "budget_duration": "30d"}
    assert outcome.names - {"diff"} == documented_names(litellm_budget)


@pytest.mark.parametrize(
    ("stated", "sent"),
    [
        ({"max_budget": None}, {"max_budget": None}),
        ({"max_budget": 0}, {"max_budget": 0.0}),
        ({"rpm_limit": 5, "max_budget": 10}, {"rpm_limit": 5}),
        ({}, None),
        ({"soft_budget": None, "model_max_budget": {}, "budget_duration": "30 days"}, None),
    ],
)
def test_null_is_a_value_and_what_is_left_out_is_left_alone(stated: dict[str, t.Any], sent: t.Any) -> None:
    after = {**BUDGET, **stated}
    with HttpStub({INFO: [json_reply(200, [BUDGET]), json_reply(200, [after])], UPDATE: [DONE]}) as server:
        outcome = run(server, **stated)
    assert not outcome.failed, outcome.text
    assert written(server) == ([(UPDATE, {"budget_id": "b", **sent})] if sent else [])
    assert outcome["changed"] is bool(sent)
    assert (outcome["diff"]["before"] == outcome["diff"]["after"]) is not bool(sent)


@pytest.mark.parametrize(
    ("found", "options"), [(NONE, {"max_budget": 1}), (json_reply(200, [BUDGET]), {"max_budget": 1}), (NONE, {})]
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_writes_nothing(found: Reply, options: dict[str, t.Any], state: str) -> None:
    with HttpStub({INFO: [found]}) as server:
        outcome = run(server, state=state, _ansible_check_mode=True, **options)
    assert not outcome.failed
    assert written(server) == []


def test_one_is_removed() -> None:
    with HttpStub({INFO: [json_reply(200, [BUDGET])], DELETE: [DONE]}) as server:
        outcome = run(server, state="absent")
    assert (outcome["action"], outcome["budget"]) == ("deleted", {})
    assert written(server) == [(DELETE, {"id": "b"})]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (json_reply(200, b"<html></html>", "text/html"), "the service answered 200 with an HTML page"),
        (json_reply(200, b'[{"budget_id": "b"'), "a body that is not JSON, or only a part of it"),
        (json_reply(200, {"budgets": []}), "LiteLLM's answer is not a list"),
        (json_reply(500, {"error": {"message": "oops"}}), "oops (status 500)"),
        (json_reply(401, {"error": {"message": "no"}}), "LiteLLM refused the key that ends in '3f9c'"),
        (raw_reply(b""), "the connection was closed before an answer came"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_server_that_is_not_itself_is_a_clear_failure(reply: Reply, said: str, state: str) -> None:
    with HttpStub({INFO: [reply]}) as server:
        outcome = run(server, max_budget=1, state=state)
        told = run_module(litellm_budget_info.main, url=server.url, api_key=KEY, retries=0)
    assert outcome.failed
    assert said in outcome["msg"]
    assert written(server) == [("/budget/list", None)]
    assert told.failed


def test_a_server_that_hangs_is_given_up_in_time() -> None:
    with HttpStub({}) as server:
        server.replies[INFO] = [server.hang]
        outcome = run(server, timeout=0.3)
    assert "did not answer within 0.3 s" in outcome["msg"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"maxbudget": 1}, "Unsupported parameters for"),
        ({"rpm_limit": "many"}, "argument 'rpm_limit' is of type str"),
        ({"max_budget": -1}, "max_budget must be 0 or more, not -1"),
        ({"budget_duration": "soon"}, "budget_duration must be a number with"),
        ({"budget_id": " "}, "budget_id must not be empty"),
        ({"retries": -1}, "retries must not be negative"),
        ({"url": "http://u:sk-never-shown-3f9c@x"}, "url must hold neither credentials nor a query"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(options: dict[str, t.Any], problem: str) -> None:
    with HttpStub({}) as server:
        outcome = run(server, **options)
    assert outcome.failed
    assert problem in outcome["msg"]
    assert server.calls == []
