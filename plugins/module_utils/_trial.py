# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hx.gateway.plugins.module_utils._gateway_health import GatewayProbe
from ansible_collections.hx.gateway.plugins.module_utils._http import HttpClient, HttpError
from ansible_collections.hx.gateway.plugins.module_utils._systemd import StatefulUnit, ended

PAUSE = 0.2


@dataclass
class Trial:
    """Watches a gateway that was started beside the one that serves."""

    unit: StatefulUnit
    client: HttpClient
    timeout: float
    steady: float
    clock: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep

    def run(self) -> str:
        """Return why it does not serve; empty when it is ready and stays so."""
        ends = self.clock() + self.timeout
        was_ready = False
        steady_since: float | None = None
        reason = "it did not stay ready long enough"
        while True:
            now = self.clock()
            if gone := ended(self.unit, 0):
                return gone if steady_since is None else f"it was ready, and {gone}"
            if now >= ends:
                return f"it was not ready within {self.timeout:g} s, or did not stay so: {reason}"
            reason = self._ask(max(ends - now, 1.0))
            if not reason and not was_ready:
                was_ready, ends = True, ends + self.steady
            # A slow answer on a busy host is no verdict: the time in which it has to stay ready begins again.
            steady_since = None if reason else steady_since or self.clock()
            if steady_since is not None and self.clock() - steady_since >= self.steady:
                return ended(self.unit, 0)
            self.sleep(PAUSE)

    def _ask(self, remaining: float) -> str:
        report = GatewayProbe(self.client).ask(remaining)
        if not report.ready:
            return report.reason
        try:
            # Passes through the whole pipeline; without a key LiteLLM refuses it, and that is an answer too.
            status = self.client.get("/v1/models", remaining=remaining).status
        except HttpError as error:
            return str(error)
        return f"/v1/models answered {status}" if status >= 500 else ""
