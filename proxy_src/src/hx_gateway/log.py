"""Logs as JSON lines, written by a thread so that a slow reader never delays a request."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGGER = logging.getLogger("hx_gateway")

_SECRET = re.compile(r"\b(sk-|Bearer\s+)[^\s\"'&;,/]+", re.IGNORECASE)


_AT_ONCE = 256
"""Lines of one write: joining them is what the thread holds Python's lock for."""


def redact(text: str) -> str:
    """Return `text` without anything that looks like a key."""
    return _SECRET.sub(r"\1***", text)


def dumps(record: Mapping[str, Any]) -> bytes:
    """Return one line of visible ASCII for `record`: no value can break a line or move a terminal's cursor."""
    try:
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        if line.isascii() and b"\x7f" not in line:
            return line
    except TypeError:  # lone surrogates, which are not UTF-8
        pass
    return json.dumps(record, separators=(",", ":"), default=str).encode().replace(b"\x7f", b"\\u007f") + b"\n"


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as RFC 3339 UTC with milliseconds."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


class LogSink:
    """Formats records at once and writes them from a thread of its own, a batch at a time.

    A request pays about 3 microseconds. The thread does little but wait in write(2): while it formatted, it would hold
    Python's lock, and the event loop with it. When the reader of `fd` is so slow that `capacity` records wait, the
    oldest are dropped and their number is logged.
    """

    def __init__(self, fd: int, *, capacity: int = 50_000, interval: float = 0.1) -> None:
        self._fd = fd
        self._interval = interval
        self._pending: deque[bytes] = deque(maxlen=capacity)
        self._said = 0
        self.dropped = 0
        """Records that were thrown away since the start."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, record: dict[str, Any]) -> None:
        """Queue `record`; its `time`, seconds since the epoch, is replaced by what people read."""
        record["time"] = timestamp(record["time"])
        pending = self._pending
        if len(pending) == pending.maxlen:
            self.dropped += 1
        pending.append(dumps(record))

    def close(self, timeout: float = 2.0) -> None:
        """Write what is left, waiting for a stuck reader at most `timeout` seconds."""
        self._stop.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        pending = self._pending
        while pending:
            self._put(b"".join([pending.popleft() for _ in range(min(len(pending), _AT_ONCE))]))
        dropped = self.dropped - self._said
        if dropped:
            self._said += dropped
            said = {"time": timestamp(time.time()), "level": "warning", "event": "log_dropped", "count": dropped}
            self._put(dumps(said))

    def _put(self, lines: bytes) -> None:
        data = memoryview(lines)
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:  # nobody reads: there is nowhere left to say so
            return


class JsonFormatter(logging.Formatter):
    """One JSON line for a record of the `logging` module."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; extra fields are passed as `extra={"fields": {...}}`."""
        line: dict[str, Any] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return dumps(line).decode().rstrip("\n")


def configure(level: str) -> None:
    """Send the gateway's own messages, and warnings of its libraries, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    LOGGER.setLevel(level.upper())
    # aiohttp and asyncio log what clients sent and that clients left: the access log says both without the bytes
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)


def event(name: str, level: int = logging.INFO, *, exc_info: bool = False, **fields: object) -> None:
    """Log that `name` happened."""
    LOGGER.log(level, name, extra={"fields": fields}, exc_info=exc_info)
