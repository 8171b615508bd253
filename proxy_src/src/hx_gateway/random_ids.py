"""Random ids: bytes of the kernel's generator, fetched many at a time, each used once."""

from __future__ import annotations

import os
from typing import Final

_FETCHED: Final = 4096
"""Bytes of one system call, which costs as much as formatting ten ids."""


class _Digits:
    __slots__ = ("_at", "_digits")

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def take(self, count: int) -> str:
        at = self._at
        end = at + count
        if end > len(self._digits):
            self._digits = os.urandom(_FETCHED).hex()
            at, end = 0, count
        self._at = end
        return self._digits[at:end]

    def forget(self) -> None:
        """Fetch again, since another process has the same digits."""
        self._digits = ""


_digits: Final = _Digits()
os.register_at_fork(after_in_child=_digits.forget)


def random_digits(count: int) -> str:
    """Return so many hexadecimal digits, up to 8192, each of 4 bits that nobody can predict."""
    return _digits.take(count)
