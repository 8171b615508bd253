# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import ssl
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import litellm_health_info
from ansible_collections.hx.gateway.tests.support.http_stub import (
    HttpStub,
    Reply,
    closed_port,
    json_reply,
    raw_reply,
)
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

READINESS = "/health/readiness"
MODELS = "/v1/models"
CONNECTED = json_reply(200, {"status": "healthy", "db": "connected", "litellm_version": "1.106.2"})
NO_DATABASE = json_reply(200, {"status": "healthy", "db": "Not connected"})
LOST_DATABASE = json_reply(503, {"status": "healthy", "db": "disconnected"})
TWO_MODELS = json_reply(200, {"object": "list", "data": [{"id": "embed", "object": "model"}, {"id": "chat"}]})
KEY = "sk-test-3f9c"


def error(status: int, kind: str) -> Reply:
    return json_reply(status, {"error": {"message": "m", "type": kind, "param": None, "code": str(status)}})


def ask(server: HttpStub | str, **arguments: t.Any) -> Outcome:
    """Run the module; whatever it answers, it must neither fail nor show the key."""
    url = server if isinstance(server, str) else server.url
    outcome = run_module(litellm_health_info.main, url=url, **arguments)
    assert not outcome.failed, outcome.text
    assert KEY not in outcome.text
    return outcome


def test_connected_is_ready() -> None:
    with HttpStub({READINESS: [CONNECTED]}) as server:
        outcome = ask(server)
    assert outcome.data.items() >= {
        "ready": True, "reachable": True, "reason": "", "status": 200, "db": "connected",
        "litellm_version": "1.106.2", "key_accepted": None, "key_status": None, "models": [], "changed": False,
    }.items()  # fmt: skip
    assert outcome.names == documented_names(litellm_health_info)
    assert [path for path, _headers in server.requests] == [READINESS]


def test_200_without_the_configured_database_is_not_ready() -> None:
    with HttpStub({READINESS: [NO_DATABASE]}) as server:
        with_database = ask(server)
        without_database = ask(server, database=False)
    assert (with_database["ready"], with_database["status"]) == (False, 200)
    assert with_database["reason"] == 'LiteLLM runs without its database ("db" is "Not connected")'
    assert (without_database["ready"], without_database["reason"]) == (True, "")


@pytest.mark.parametrize("database", [True, False])
def test_a_lost_database_is_not_ready(database: bool) -> None:
    with HttpStub({READINESS: [LOST_DATABASE]}) as server:
        outcome = ask(server, database=database)
    assert (outcome["ready"], outcome["reachable"], outcome["status"]) == (False, True, 503)
    assert outcome["reason"] == "LiteLLM has lost its database"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"status": "healthy", "db": "stalled"}, "LiteLLM's questions to its database take too long"),
        ({"status": "shutting_down"}, "LiteLLM is shutting down"),
    ],
)
def test_what_else_litellm_says_with_503(body: dict[str, str], reason: str) -> None:
    with HttpStub({READINESS: [json_reply(503, body)]}) as server:
        outcome = ask(server)
    assert (outcome["ready"], outcome["reason"]) == (False, reason)


def test_a_base_url_with_a_path_and_a_slash() -> None:
    with HttpStub({"/llm" + READINESS: [CONNECTED]}) as server:
        assert ask(server.url + "/llm/")["ready"] is True


def test_an_accepted_key_lists_its_models() -> None:
    with HttpStub({READINESS: [CONNECTED], MODELS: [TWO_MODELS]}) as server:
        outcome = ask(server, api_key=KEY, expect_models=["chat"])
    assert (outcome["ready"], outcome["key_accepted"], outcome["key_status"]) == (True, True, 200)
    assert (outcome["models"], outcome["missing_models"]) == (["chat", "embed"], [])
    sent = [headers.get("authorization") for _path, headers in server.requests]
    assert sent == [None, f"Bearer {KEY}"]


def test_a_missing_model_is_named() -> None:
    with HttpStub({READINESS: [CONNECTED], MODELS: [TWO_MODELS]}) as server:
        outcome = ask(server, api_key=KEY, expect_models=["chat", "vision", "audio"])
    assert (outcome["ready"], outcome["missing_models"]) == (False, ["audio", "vision"])
    assert outcome["reason"] == "the key may not use, or the server does not have: audio, vision"


@pytest.mark.parametrize(
    ("reply", "accepted", "status", "kind"),
    [
        (error(401, "token_not_found_in_db"), False, 401, "token_not_found_in_db"),
        (error(400, "no_db_connection"), False, 400, "no_db_connection"),
        (error(403, "key_model_access_denied"), False, 403, "key_model_access_denied"),
        (error(503, "no_db_connection"), None, 503, "no_db_connection"),
        (error(429, "throttling_error"), None, 429, "throttling_error"),
        (json_reply(404, {"detail": "Not Found"}), None, 404, ""),
        (json_reply(200, {"detail": "not a list"}), None, 200, ""),
        (json_reply(502, b"<html>Bad Gateway</html>", "text/html"), None, 502, ""),
        (raw_reply(b""), None, None, ""),
    ],
)
def test_what_an_answer_says_about_the_key(reply: Reply, accepted: bool | None, status: int | None, kind: str) -> None:
    with HttpStub({READINESS: [CONNECTED], MODELS: [reply]}) as server:
        outcome = ask(server, api_key=KEY)
    assert (outcome["ready"], outcome["reachable"]) == (False, True)
    assert (outcome["key_accepted"], outcome["key_status"], outcome["key_error_type"]) == (accepted, status, kind)
    assert "key" in outcome["reason"]


def test_a_key_is_not_sent_to_a_server_that_is_not_ready() -> None:
    with HttpStub({READINESS: [LOST_DATABASE], MODELS: [TWO_MODELS]}) as server:
        assert ask(server, api_key=KEY)["key_accepted"] is None
    assert [path for path, _headers in server.requests] == [READINESS]


def test_a_redirect_is_not_followed() -> None:
    moved = raw_reply(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    with HttpStub({READINESS: [moved], "/elsewhere": [CONNECTED]}) as server:
        outcome = ask(server)
    assert (outcome["ready"], outcome["status"]) == (False, 302)
    assert [path for path, _headers in server.requests] == [READINESS]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (json_reply(200, b"<!DOCTYPE html><html>Welcome", "text/html"), "the service answered 200 with an HTML page"),
        (json_reply(200, b""), "the service answered 200 with an empty body"),
        (json_reply(200, b'{"status": "heal'), "a body that is not JSON, or only a part of it"),
        (json_reply(200, b'{"status": "\xff"}'), "a body that is not JSON"),
        (json_reply(200, b"[" * 100_000), "a body that is not JSON"),
        (json_reply(200, [1, 2]), "JSON that is not LiteLLM's readiness"),
        (json_reply(200, "I'm alive!"), "JSON that is not LiteLLM's readiness"),
        (json_reply(200, {"ok": True}), "does not call itself healthy"),
        (json_reply(200, {"status": "healthy", "db": None}), "runs without its database"),
        (json_reply(500, {"error": {"message": "x"}}), "LiteLLM answered its readiness with status 500"),
        (json_reply(404, {"detail": "Not Found"}), "LiteLLM answered its readiness with status 404"),
        (raw_reply(b""), "the connection was closed before an answer came"),
        (raw_reply(b"SSH-2.0-OpenSSH_9.2\r\n"), "the answer is not HTTP"),
        (raw_reply(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status":'), "closed in the middle of the answer"),
        (raw_reply(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"st'), "in the middle of the answer"),
        (raw_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b" " * 9_000_000), "larger than"),
    ],
)
def test_an_answer_that_is_none(reply: Reply, reason: str) -> None:
    with HttpStub({READINESS: [reply]}) as server:
        outcome = ask(server)
    assert outcome["ready"] is False
    assert reason in outcome["reason"]


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_server_that_takes_too_long(way: str) -> None:
    with HttpStub({}) as server:
        server.replies[READINESS] = [getattr(server, way)]
        started = time.monotonic()
        outcome = ask(server, request_timeout=0.5)
        took = time.monotonic() - started
    assert (outcome["ready"], outcome["reachable"]) == (False, False)
    assert "in time" in outcome["reason"] or "within 0.5 s" in outcome["reason"]
    assert took < 5


def test_nothing_listens() -> None:
    outcome = ask(f"http://127.0.0.1:{closed_port()}")
    assert (outcome["ready"], outcome["reachable"], outcome["status"]) == (False, False, None)
    assert outcome["reason"] == "the connection was refused; nothing listens there"


def test_a_name_that_does_not_resolve() -> None:
    outcome = ask("http://no-such-host.invalid:4000")
    assert (outcome["ready"], outcome["reachable"]) == (False, False)
    assert outcome["reason"]


def test_waiting_until_the_database_is_connected() -> None:
    refused = raw_reply(b"")
    with HttpStub({READINESS: [refused, NO_DATABASE, LOST_DATABASE, CONNECTED]}) as server:
        outcome = ask(server, wait=True, timeout=20, poll_interval=0.05)
    assert (outcome["ready"], outcome["attempts"]) == (True, 4)


def test_waiting_in_vain_returns_the_last_answer() -> None:
    with HttpStub({READINESS: [NO_DATABASE]}) as server:
        outcome = ask(server, wait=True, timeout=2, poll_interval=0.1)
    assert (outcome["ready"], outcome["db"]) == (False, "Not connected")
    assert outcome["attempts"] > 1
    assert outcome["elapsed"] <= 5


def test_one_slow_attempt_does_not_outlive_the_wait() -> None:
    with HttpStub({}) as server:
        server.replies[READINESS] = [server.hang]
        outcome = ask(server, wait=True, timeout=0.6, poll_interval=0.1, request_timeout=20)
    assert outcome["elapsed"] < 5


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    with HttpStub({READINESS: [CONNECTED]}) as server:
        assert ask(server)["ready"] is True
        assert ask(server, use_proxy=True)["ready"] is False


def test_a_certificate_is_verified_against_the_given_authority(tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with HttpStub({READINESS: [CONNECTED]}, tls) as server:
        assert ask(server, ca_path=str(certificate))["ready"] is True
        unverified = ask(server, validate_certs=False)
        refused = ask(server)
    assert unverified["ready"] is True
    assert refused["ready"] is False
    assert "certificate" in refused["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "ftp://127.0.0.1"}, "must be an http or https URL"),
        ({"url": "127.0.0.1:4000"}, "must be an http or https URL"),
        ({"url": "http://127.0.0.1:99999"}, "must be an http or https URL"),
        ({"url": "http://user:p4ssw0rd@127.0.0.1"}, "neither credentials nor a query"),
        ({"url": "http://127.0.0.1?key=1"}, "neither credentials nor a query"),
        ({"expect_models": ["chat"]}, "expect_models needs api_key"),
        ({"api_key": "sk-1\r\nX-Admin: 1"}, "api_key must be printable ASCII"),
        ({"api_key": ""}, "api_key must be printable ASCII"),
        ({"request_timeout": 0}, "request_timeout must be greater than 0"),
        ({"poll_interval": 0}, "poll_interval must be greater than 0"),
    ],
)
def test_wrong_calls_are_refused(arguments: dict[str, t.Any], message: str) -> None:
    outcome = run_module(litellm_health_info.main, **arguments)
    assert outcome.failed
    assert message in outcome["msg"]
    assert "p4ssw0rd" not in outcome.text


def systemctl(folder: Path, *states: tuple[str, int]) -> str:
    """A systemctl that tells of these states, one a call and the last again and again; returns a PATH with it."""
    for number, (state, restarts) in enumerate(states, start=1):
        (folder / str(number)).write_text(f"ActiveState={state}\nNRestarts={restarts}\nJob=0\n")
    program = folder / "systemctl"
    last = len(states)
    program.write_text(
        f"#!/bin/sh\ncd {folder}\necho >>calls\nn=$(wc -l <calls)\n[ $n -gt {last} ] && n={last}\ncat $n\n"
    )
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ([("active", 0), ("failed", 0)], "its process ended"),
        ([("activating", 3), ("activating", 4), ("activating", 5)], "its process ended"),
    ],
)
def test_a_wait_for_a_process_that_is_gone_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: list[tuple[str, int]], reason: str
) -> None:
    monkeypatch.setenv("PATH", systemctl(tmp_path, *states))
    began = time.monotonic()
    url = f"http://127.0.0.1:{closed_port()}"
    outcome = ask(url, wait=True, timeout=60, poll_interval=0.05, unit="hx.service")
    assert outcome.data["reason"] == reason
    assert outcome.data["attempts"] == len(states) - 1
    assert time.monotonic() - began < 30


def test_a_process_that_is_started_again_once_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", systemctl(tmp_path, ("active", 3), ("activating", 4)))
    with HttpStub({READINESS: [LOST_DATABASE, LOST_DATABASE, CONNECTED]}) as server:
        outcome = ask(server, wait=True, timeout=60, poll_interval=0.05, unit="hx.service")
    assert outcome.data["ready"]
    assert outcome.data["attempts"] == 3


@pytest.mark.parametrize("unit", ["hx", "-hx.service"])
def test_a_unit_must_be_a_service(unit: str) -> None:
    outcome = run_module(litellm_health_info.main, url="http://127.0.0.1:1", unit=unit)
    assert outcome.failed
    assert "unit must be the name of a service unit" in outcome.text
