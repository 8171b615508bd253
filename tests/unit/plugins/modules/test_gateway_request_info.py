# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_request_info
from ansible_collections.hx.gateway.tests.support.http_stub import HttpStub, Reply, closed_port, json_reply
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

KEY = "sk-test-3f9c"
CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
MESSAGE = {"id": "c-1", "model": "m", "choices": [{"message": {"content": "hi"}}], "usage": {"total_tokens": 12}}
VECTOR = {"model": "m", "data": [{"embedding": [0.1]}], "usage": {"total_tokens": 1}}


def ask(url: str, **arguments: t.Any) -> Outcome:
    """Run the module; whatever it answers, it must neither fail nor show the key."""
    outcome = run_module(gateway_request_info.main, url=url, api_key=KEY, model="chat", **arguments)
    assert not outcome.failed, outcome.text
    assert KEY not in outcome.text
    return outcome


def test_a_chat_that_is_answered() -> None:
    with HttpStub({CHAT: [json_reply(200, MESSAGE)]}) as server:
        outcome = ask(server.url, text="hello")
    assert outcome.data.items() >= {
        "answered": True, "reason": "", "status": 200, "id": "c-1", "model": "m", "total_tokens": 12, "attempts": 1,
    }.items()  # fmt: skip
    assert outcome.names == documented_names(gateway_request_info)
    assert server.calls == [("POST", CHAT, {"model": "chat", "messages": [{"role": "user", "content": "hello"}]})]
    assert server.requests[0][1]["authorization"] == f"Bearer {KEY}"


def test_embeddings_that_are_answered() -> None:
    with HttpStub({EMBEDDINGS: [json_reply(200, VECTOR)]}) as server:
        outcome = ask(server.url, kind="embeddings", text="hello")
    assert (outcome["answered"], outcome["id"], outcome["total_tokens"]) == (True, "", 1)
    assert server.calls == [("POST", EMBEDDINGS, {"model": "chat", "input": "hello"})]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (json_reply(401, {"error": {"message": "no such\n key"}}), "the service answered 401: no such key"),
        (json_reply(502, {}), "the service answered 502: no reason given"),
        (json_reply(200, {"choices": []}), "the service answered 200 without a message"),
        (json_reply(200, {"choices": [{}]}), "the service answered 200 without a message"),
        (json_reply(200, []), "the service answered 200 with JSON that is not a completion"),
        (json_reply(200, b"<p>", "text/html"), "the service answered 200 with an HTML page"),
    ],
)
def test_a_chat_that_is_not(reply: Reply, reason: str) -> None:
    with HttpStub({CHAT: [reply]}) as server:
        outcome = ask(server.url)
    assert (outcome["answered"], outcome["reason"]) == (False, reason)


@pytest.mark.parametrize("body", [{"data": []}, {"data": [{"embedding": []}]}, {"data": ["x"]}, {}])
def test_embeddings_without_a_vector(body: t.Any) -> None:
    with HttpStub({EMBEDDINGS: [json_reply(200, body)]}) as server:
        outcome = ask(server.url, kind="embeddings")
    assert (outcome["answered"], outcome["reason"]) == (False, "the service answered 200 without a vector")


def test_nothing_that_listens() -> None:
    outcome = ask(f"http://127.0.0.1:{closed_port()}")
    assert (outcome["answered"], outcome["status"]) == (False, None)
    assert outcome["reason"] == "the connection was refused; nothing listens there"


def test_an_answer_is_waited_for() -> None:
    with HttpStub({CHAT: [json_reply(503, {}), json_reply(200, MESSAGE)]}) as server:
        outcome = ask(server.url, wait=True, timeout=10, poll_interval=0.01)
    assert (outcome["answered"], outcome["attempts"]) == (True, 2)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "ftp://x"}, "url must be"),
        ({"api_key": "sk a\n"}, "api_key must be printable"),
        ({"request_timeout": 0}, "request_timeout must be greater than 0"),
        ({"timeout": -1}, "timeout must not be negative"),
        ({"kind": "images"}, "value of kind must be one of: chat, embeddings"),
    ],
)
def test_bad_options_are_named(options: dict[str, t.Any], problem: str) -> None:
    outcome = run_module(gateway_request_info.main, **{"url": "http://x", "api_key": KEY, "model": "m", **options})
    assert outcome.failed
    assert outcome["msg"].startswith(problem)
