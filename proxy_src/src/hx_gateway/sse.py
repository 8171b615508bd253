"""Server-Sent Events read as they arrive, however the network cuts them (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

from typing import Final

LONGEST_LINE: Final = 1 << 20
"""Bytes of a line without an end that are kept: what is longer is not understood, only passed on."""


class LineReader:
    """Cuts a byte stream into its lines, with a bound on what an endless line costs."""

    __slots__ = ("_rest", "_skipping")

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    @property
    def is_between_lines(self) -> bool:
        """Whether what comes next begins a line."""
        return not self._rest and not self._skipping

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their ends."""
        if self._rest:
            data = self._rest + data
        *lines, self._rest = data.split(b"\n")
        if self._skipping and lines:
            del lines[0]
            self._skipping = False
        if self._skipping or len(self._rest) > LONGEST_LINE:
            self._rest = b""
            self._skipping = True
        return lines


def data_of(line: bytes) -> bytes | None:
    """Return the value of a `data` line; None for every other line."""
    if not line.startswith(b"data:"):
        return None
    return line[5:].strip()
