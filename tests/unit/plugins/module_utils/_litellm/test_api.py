# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, ApiError, check_connection, segment
from ansible_collections.hx.gateway.tests.support.http_stub import HttpStub, Reply, closed_port, json_reply, raw_reply

KEY = "sk-never-shown-3f9c"
DEFAULTS = {
    "validate_certs": True, "ca_path": None, "client_cert": None, "client_key": None, "use_proxy": False,
    "api_key": KEY, "timeout": 5.0, "retries": 3,
}  # fmt: skip


class Pauses(list[float]):
    """Stands in for sleeping, and notes how long it would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def api_of(server: HttpStub | str, pauses: Pauses | None = None, **settings: t.Any) -> Api:
    url = server if isinstance(server, str) else server.url
    return Api({**DEFAULTS, "url": url, **settings}, sleep=Pauses() if pauses is None else pauses)


def error(status: int, message: str, **headers: str) -> Reply:
    body = b'{"error": {"message": "%s", "type": "a_type", "code": "%d"}}' % (message.encode(), status)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return raw_reply(head.encode() + body)


def test_a_request_carries_the_key_and_json() -> None:
    with HttpStub({"/team/new?a=1&b=x+y": [json_reply(200, {"team_id": "t"})]}) as server:
        answer = api_of(server).call("POST", "/team/new", body={"team_alias": "ü"}, query={"a": 1, "b": "x y"})
    assert answer == {"team_id": "t"}
    assert server.calls == [("POST", "/team/new?a=1&b=x+y", {"team_alias": "ü"})]
    assert (
        server.requests[0][1].items() >= {"authorization": f"Bearer {KEY}", "content-type": "application/json"}.items()
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods(method: str) -> None:
    with HttpStub({"/x": [json_reply(200, {})]}) as server:
        api_of(server).call(method, "/x", body={"a": None})
    assert server.calls == [(method, "/x", {"a": None})]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "m", "type": "t"}}, "m"),
        ({"error": "m"}, "m"),
        ({"detail": {"error": "m"}}, "m"),
        ({"detail": "m"}, "m"),
        ({"detail": [{"loc": ["body", "max_budget"], "msg": "not a number"}]}, "max_budget: not a number"),
        ({"error": {"message": {"error": "m\nn"}}}, "m n"),
        ({"error": {"message": "{'error': 'm'}"}}, "m"),
        ({"error": {"message": "{'error'"}}, "{'error'"),
        ({}, "no reason given"),
        ([], "no reason given"),
    ],
)
def test_the_words_of_an_error_are_found(body: t.Any, said: str) -> None:
    with HttpStub({"/x": [json_reply(400, body)]}) as server, pytest.raises(ApiError) as raised:
        api_of(server).get("/x")
    assert str(raised.value).startswith(f"GET /x: {said} (status 400")
    assert raised.value.status == 400


def test_an_error_names_the_request_and_never_the_key() -> None:
    reply = error(400, f"no such thing as {KEY}", x_litellm_call_id="7b1c")
    with HttpStub({"/x": [reply]}) as server, pytest.raises(ApiError) as raised:
        api_of(server).get("/x")
    assert str(raised.value) == "GET /x: no such thing as *** (status 400, a_type, request 7b1c)"


def test_a_refused_key_is_told_by_its_end() -> None:
    reply = error(401, f"Invalid key, Key Hash (Token) ={'0af3' * 16}.")
    with HttpStub({"/x": [reply]}) as server, pytest.raises(ApiError) as raised:
        api_of(server).get("/x")
    assert str(raised.value) == (
        "LiteLLM refused the key that ends in '3f9c' (status 401, a_type): Invalid key, Key Hash (Token) =***."
    )


@pytest.mark.parametrize("message", ["No connected db.", "DB not connected. See https://docs.litellm.ai"])
def test_a_litellm_without_a_database_is_told(message: str) -> None:
    with HttpStub({"/x": [error(500, message)]}) as server, pytest.raises(ApiError, match="runs without a database"):
        api_of(server).get("/x")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (json_reply(200, b"<html></html>", "text/html"), "GET /x: the service answered 200 with an HTML page"),
        (json_reply(200, b'{"keys": ['), "GET /x: the service answered 200 with a body that is not JSON"),
        (json_reply(500, b"<h1>oops</h1>", "text/html"), "GET /x: the service answered 500 with an HTML page"),
        (json_reply(302, {}), "GET /x: no reason given (status 302"),
        (raw_reply(b"SSH-2.0-OpenSSH\r\n"), "GET /x: the answer is not HTTP"),
    ],
)
def test_an_answer_that_is_not_litellms(reply: Reply, said: str) -> None:
    with HttpStub({"/x": [reply]}) as server, pytest.raises(ApiError) as raised:
        api_of(server, retries=0).get("/x")
    assert str(raised.value).startswith(said)


def test_a_server_that_hangs_is_given_up_after_the_timeout_and_not_asked_again() -> None:
    with HttpStub({}) as server:
        server.replies["/x"] = [server.hang]
        with pytest.raises(ApiError, match=r"did not answer within 0.3 s"):
            api_of(server, timeout=0.3).post("/x")
    # On a busy machine the client may leave before the server has read what it was asked.
    assert len(server.calls) <= 1


def test_load_is_waited_out() -> None:
    pauses = Pauses()
    replies = [error(429, "slow"), error(503, "down"), error(429, "slow", retry_after="7"), json_reply(200, [])]
    with HttpStub({"/x": list(replies)}) as server:
        assert api_of(server, pauses).post("/x") == []
    assert (pauses, len(server.calls)) == ([1.0, 2.0, 7.0], 4)


def test_retry_after_may_be_a_date_and_has_a_limit() -> None:
    pauses = Pauses()
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    replies = [error(503, "x", retry_after=soon), error(503, "x", retry_after="4000"), json_reply(200, [])]
    with HttpStub({"/x": list(replies)}) as server:
        api_of(server, pauses).get("/x")
    assert 27 < pauses[0] < 31
    assert pauses[1] == 60


def test_load_that_lasts_is_an_error() -> None:
    with HttpStub({"/x": [error(429, "slow down")]}) as server, pytest.raises(ApiError, match="slow down"):
        api_of(server, retries=2).get("/x")
    assert len(server.calls) == 3


def test_a_refused_connection_is_tried_again() -> None:
    pauses = Pauses()
    with pytest.raises(ApiError, match="nothing listens there"):
        api_of(f"http://127.0.0.1:{closed_port()}", pauses).get("/x")
    assert pauses == [1.0, 2.0, 4.0]


def test_a_lost_connection_is_tried_again() -> None:
    cut = raw_reply(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    with HttpStub({"/x": [cut, raw_reply(b""), json_reply(200, {"a": 1})]}) as server:
        assert api_of(server).post("/x") == {"a": 1}
    assert len(server.calls) == 3


def test_other_errors_are_not_tried_again() -> None:
    with HttpStub({"/x": [error(500, "broken")]}) as server, pytest.raises(ApiError, match="broken"):
        api_of(server).post("/x")
    assert len(server.calls) == 1


def test_pages_are_read_to_the_end() -> None:
    with HttpStub({}) as server:
        for page, found in ((1, ["a", "b"]), (2, ["c"])):
            reply = json_reply(200, {"keys": found, "total_pages": 2, "current_page": page})
            server.replies[f"/key/list?all=1&page={page}&size=100"] = [reply]
        assert list(api_of(server).pages("/key/list", "keys", {"all": 1})) == ["a", "b", "c"]
    assert len(server.calls) == 2


def test_pages_without_a_total_end_with_an_empty_one() -> None:
    with HttpStub({}) as server:
        for page, found in ((1, ["a"]), (2, [])):
            server.replies[f"/users?page={page}&page_size=100"] = [json_reply(200, {"users": found})]
        assert list(api_of(server).pages("/users", "users", size="page_size")) == ["a"]


def test_a_page_without_its_list_is_an_error() -> None:
    with (
        HttpStub({"/l?page=1&size=100": [json_reply(200, {})]}) as server,
        pytest.raises(ApiError, match="no list 'keys'"),
    ):
        list(api_of(server).pages("/l", "keys"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "ftp://x"}, "url must be"),
        ({"url": "http://u:secret@x"}, "url must hold neither"),
        ({"api_key": "sk-a\nb"}, "api_key must be printable"),
        ({"api_key": ""}, "api_key must be printable"),
        ({"timeout": 0.0}, "timeout must be greater than 0"),
        ({"timeout": float("nan")}, "timeout must be greater than 0"),
        ({"retries": -1}, "retries must not be negative"),
        ({}, ""),
    ],
)
def test_bad_options_of_the_connection(options: dict[str, t.Any], problem: str) -> None:
    found = check_connection({**DEFAULTS, "url": "http://127.0.0.1:4000", **options})
    assert found.startswith(problem)
    assert bool(found) is bool(problem)


def test_a_name_is_one_segment_of_a_path() -> None:
    assert segment("a/b ?#%ü'\"") == "a%2Fb%20%3F%23%25%C3%BC%27%22"
