# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._http import HttpClient
from ansible_collections.hx.gateway.plugins.module_utils._trial import Trial

READY: dict[str, tuple[int, str]] = {
    "/healthz": (200, '{"ok": true}'),
    "/readyz": (200, '{"ready": true}'),
    "/v1/models": (401, "{}"),
}


class Gateway:
    """An HTTP server on the loopback that answers as it is told."""

    def __init__(self) -> None:
        self.answers = dict(READY)
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = gateway.answers[self.path]
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def client(self) -> HttpClient:
        """A client of it."""
        return HttpClient(
            {
                "url": f"http://127.0.0.1:{self.server.server_port}",
                "validate_certs": True,
                "ca_path": None,
                "client_cert": None,
                "client_key": None,
                "use_proxy": False,
                "request_timeout": 2.0,
            }
        )


class Unit:
    """A unit that is in one state after the other, and stays in the last."""

    def __init__(self, *states: tuple[str, int]) -> None:
        self.states = list(states)

    def state(self) -> tuple[str, int]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


@pytest.fixture
def gateway() -> t.Iterator[Gateway]:
    made = Gateway()
    yield made
    made.server.shutdown()
    made.server.server_close()


def run(gateway: Gateway, *states: tuple[str, int], timeout: float = 0.5, steady: float = 0.3) -> str:
    return Trial(Unit(*states), gateway.client, timeout, steady).run()


def test_a_gateway_that_is_ready_and_stays_so_passes(gateway: Gateway) -> None:
    assert run(gateway, ("activating", 0), ("active", 0), timeout=60) == ""


def test_a_process_that_ends_is_noticed_at_once(gateway: Gateway) -> None:
    assert (
        run(gateway, ("activating", 0), ("failed", 0), timeout=60, steady=60) == "it was ready, and its process ended"
    )
    assert run(gateway, ("failed", 0), timeout=60, steady=60) == "its process ended"


def test_a_process_that_ends_while_it_is_watched_fails(gateway: Gateway) -> None:
    states = [("active", 0)] * 3 + [("active", 1)]
    assert run(gateway, *states, steady=60) == "it was ready, and its process ended"


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/healthz", (500, "no"), "answered 500"),
        ("/healthz", (200, "hello"), "not JSON"),
        ("/readyz", (500, "{}"), "/readyz answered 500"),
        ("/readyz", (503, '{"ready": false, "reason": "LiteLLM is unreachable"}'), "LiteLLM is unreachable"),
        ("/v1/models", (500, "{}"), "/v1/models answered 500"),
    ],
)
def test_an_answer_that_is_not_one_of_a_gateway_fails(
    gateway: Gateway, path: str, answer: tuple[int, str], reason: str
) -> None:
    gateway.answers[path] = answer
    told = run(gateway, ("active", 0))
    assert told.startswith("it was not ready within 0.5 s, or did not stay so: ")
    assert reason in told


def test_a_gateway_that_ceases_to_be_ready_fails(gateway: Gateway) -> None:
    def worsen(_seconds: float) -> None:
        gateway.answers["/readyz"] = (500, "{}")

    trial = Trial(Unit(("active", 0)), gateway.client, timeout=0.5, steady=0.5, sleep=worsen)
    assert trial.run().startswith("it was not ready within 0.5 s, or did not stay so: /readyz answered 500")
