"""A client of the gateway with a virtual key: one question, a stream, or the state of readiness."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Client:
    """Asks the stand-in's chat model through the gateway."""

    url: str
    key: str = field(repr=False)

    def chat(self, timeout: float = 30) -> str:
        """Ask one question; return what is wrong with the answer, '' for nothing."""
        said = f"asked at {time.time_ns()}"
        body = {"model": "openai-chat", "messages": [{"role": "user", "content": said}]}
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/v1/chat/completions", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                content = json.load(answer)["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read().decode()}"
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        return "" if content == said else f"answered {content!r}"

    def ready(self) -> dict[str, Any]:
        """Return what /readyz says."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=30) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    def wait_until_served(self, timeout: float) -> float:
        """Ask until the answer is right, and return the seconds that took; fail with the last answer."""
        began = time.monotonic()
        while wrong := self.chat():
            assert time.monotonic() - began < timeout, f"not served within {timeout:g} s: {wrong}"
            time.sleep(0.5)
        return time.monotonic() - began

    def wait_until_ready(self, timeout: float, **wanted: str) -> None:
        """Wait until /readyz says that the gateway is ready, and this besides."""
        deadline = time.monotonic() + timeout
        while not (answer := self.ready())["ready"] or answer | wanted != answer:
            assert time.monotonic() < deadline, f"not ready within {timeout:g} s: {answer}"
            time.sleep(0.5)

    def wait_until_unready(self, reason: str, timeout: float) -> str:
        """Wait until /readyz gives a reason with these words in it, and return it."""
        deadline = time.monotonic() + timeout
        while True:
            answer = self.ready()
            if answer["ready"] is False and reason in answer["reason"]:
                return str(answer["reason"])
            assert time.monotonic() < deadline, f"/readyz does not say {reason!r} within {timeout:g} s: {answer}"
            time.sleep(0.5)
