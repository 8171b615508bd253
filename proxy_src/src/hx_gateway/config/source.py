"""Where the configuration comes from, read at the start and at every reload."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hx_gateway.config.model import Config

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Source:
    """Reads the configuration, and remembers of which age the file was that it read."""

    def __init__(self, path: Path | None, read: Callable[[], Config]) -> None:
        self._path = path
        self._read = read
        self.changed_at = ""
        """The file's modification time when it was last read, ISO 8601 in UTC at microseconds; empty without a file."""

    def read(self) -> Config:
        """Read again. Raises ConfigError; `changed_at` then is of the file that was refused."""
        # looked at first: a change while it is being read is one that was not read
        self.changed_at = _changed_at(self._path)
        return self._read()


def _changed_at(path: Path | None) -> str:
    try:
        nanoseconds = path.stat().st_mtime_ns if path is not None else None
    except OSError:
        nanoseconds = None
    if nanoseconds is None:
        return ""
    # whole microseconds: a float would round them
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
