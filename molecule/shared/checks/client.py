"""A client that asks 20 times a second and counts what failed."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

RATE = 20


class Client:
    """Asks in the background from entering to leaving; a request that waits holds up no other."""

    def __init__(self, url: str, key: str, chat: str = "") -> None:
        """`chat` is a model to chat with, where LiteLLM's requests are to be more than lists of models."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        body = {"model": chat, "messages": [{"role": "user", "content": "Hello"}]}
        self.health = urllib.request.Request(f"{url}/healthz")
        self.request = (
            urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
            if chat
            else urllib.request.Request(f"{url}/v1/models", headers=headers)
        )
        self.answered = 0
        self.answered_by_litellm = 0
        self.slowest = 0.0
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=400)
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._pool.shutdown(wait=True)

    def _send(self) -> None:
        # Every tenth goes through to LiteLLM, which takes far less than the gateway on a small machine.
        sent = 0
        while not self._ended.wait(1 / RATE):
            self._pool.submit(self._ask, self.health if sent % 10 else self.request)
            sent += 1

    def _ask(self, request: urllib.request.Request) -> None:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
            self.answered += 1
            self.answered_by_litellm += request is self.request
        except OSError as error:
            self.failures.append(str(error))
        self.slowest = max(self.slowest, time.monotonic() - began)
