"""How many requests may be sent again."""

from __future__ import annotations

_RESERVE = 10
"""Retries at hand at the start, and most that are saved up beyond."""


class RetryBudget:
    """A share of the requests: when most fail, sending each of them again would only add to the trouble."""

    __slots__ = ("_left", "_share")

    def __init__(self, share: float) -> None:
        self._share = share
        self._left = float(_RESERVE) if share else 0.0

    def earn(self) -> None:
        """Count a request."""
        self._left = min(self._left + self._share, _RESERVE)

    def spend(self) -> bool:
        """Take a retry; return whether there was one."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
