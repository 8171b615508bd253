"""One line of the access log for what never became a request, unless there is a flood of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hx_gateway.log import LogSink
    from hx_gateway.refusal import Refusal

_A_SECOND = 100
"""Lines a second: whoever floods the port shall not fill the disk, nor push the lines of requests out of the queue."""


class RefusalLog:
    """Records who was refused and why.

    Fields: time, level, event, id, client, reason (the code in the answer), status, and unlogged: how many were refused
    since the line before without a line of their own.
    """

    def __init__(self, log: LogSink) -> None:
        self._log = log
        self._second = 0
        self._lines = 0
        self._unlogged = 0

    def write(self, refusal: Refusal) -> None:
        """Write a line, or count it for the next one."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        if self._lines >= _A_SECOND:
            self._unlogged += 1
            return
        self._lines += 1
        unlogged, self._unlogged = self._unlogged, 0
        self._log.write(
            {
                "time": time.time(),
                "level": "info",
                "event": "refused",
                "id": refusal.id,
                "client": refusal.client,
                "reason": refusal.reason,
                "status": refusal.status,
                "unlogged": unlogged,
            }
        )
