"""What the stand-in received, for tests to read."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

# Longer bodies are recorded by their beginning; tests of size count bytes.
BODY_CHARACTERS = 20000


class Record:
    """A bounded list of requests; safe to use from every thread of the server."""

    def __init__(self, keep: int) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=keep)
        self._lock = threading.Lock()
        self._count = 0

    def add(self, method: str, path: str, headers: dict[str, str], body: Any, size: int) -> dict[str, Any]:
        """Add a request and return its entry, which the server completes as it answers."""
        entry = {
            "time": time.time(),
            "method": method,
            "path": path,
            "headers": headers,
            "size": size,
            "body": body if size <= BODY_CHARACTERS else str(body)[:BODY_CHARACTERS],
            "status": None,
            "finished": False,
            "aborted": False,
        }
        with self._lock:
            self._count += 1
            entry["number"] = self._count
            self._entries.append(entry)
        return entry

    def entries(self) -> dict[str, Any]:
        """Return the requests kept, oldest first, and how many there were in all."""
        with self._lock:
            return {"count": self._count, "requests": [dict(entry) for entry in self._entries]}

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._entries.clear()
            self._count = 0
