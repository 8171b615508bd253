"""A circuit breaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

State = Literal["closed", "open", "half_open"]

_LONGEST = 16
"""Times `pause` that a circuit stays open at most, doubled each time a trial fails."""


class Breaker:
    """Closed while all is well; open for `pause` seconds after `failures` in a row; then half open.

    Half open, one request at a time is let through on trial: its success closes the circuit, its failure opens it
    for twice as long. `time` is a clock in seconds.
    """

    __slots__ = ("_failures", "_in_a_row", "_open_until", "_pause", "_pauses", "_time", "_trial", "ejections", "state")

    def __init__(self, failures: int, pause: float, time: Callable[[], float]) -> None:
        self._failures = failures
        self._pause = pause
        self._time = time
        self._in_a_row = 0
        self._pauses = 1
        self._open_until = 0.0
        self._trial = False
        self.state: State = "closed"
        self.ejections = 0
        """How often the circuit opened."""

    @property
    def allows(self) -> bool:
        """Whether a request may be sent."""
        if self.state == "closed":
            return True
        if self.state == "open":
            return self._time() >= self._open_until
        return not self._trial

    def begin(self) -> bool:
        """Note a request that is sent; return whether it is a trial, for what notes its end."""
        if self.state == "open" and self._time() >= self._open_until:
            self.state = "half_open"
        trial = self.state == "half_open" and not self._trial
        self._trial = self._trial or trial
        return trial

    def whole(self) -> None:
        """Note that an answer came to its end."""
        self._in_a_row = 0

    def answered(self) -> bool:
        """Note the head of an answer, to whichever request; return whether the server has recovered by that."""
        if self.state == "closed":
            return False
        self._in_a_row = 0
        self.state = "closed"
        self._trial = False
        self._pauses = 1
        return True

    def failure(self, trial: bool) -> bool:
        """Note that there was no answer, or a broken one; return whether the circuit opened by that."""
        self._in_a_row += 1
        if trial and self.state == "half_open":
            self._pauses = min(2 * self._pauses, _LONGEST)
        elif self.state != "closed" or self._in_a_row < self._failures:
            return False
        self.state = "open"
        self.ejections += 1
        self._trial = False
        self._open_until = self._time() + self._pause * self._pauses
        return True

    def undecided(self, trial: bool) -> None:
        """Note a request whose end says nothing about the server: its client left."""
        if trial:
            self._trial = False
