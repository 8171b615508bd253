# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.hx.gateway.plugins.module_utils._http import HttpClient, HttpError


@dataclass
class GatewayReport:
    """One answer about a gateway."""

    alive: bool = False
    ready: bool = False
    reason: str = ""
    note: str = ""
    litellm: str = ""
    database: str = ""
    limits: str = ""

    def dump(self) -> dict[str, t.Any]:
        """Return the report as the module's result."""
        return asdict(self)


class GatewayProbe:
    """Asks a gateway how it is."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client

    def ask(self, remaining: float | None = None) -> GatewayReport:
        """Give one answer, also when the gateway cannot be asked."""
        report = GatewayReport()
        try:
            report.reason = self._alive(report, remaining) or self._ready(report, remaining)
        except HttpError as error:
            report.reason = str(error)
        report.ready = report.alive and not report.reason
        return report

    def _alive(self, report: GatewayReport, remaining: float | None) -> str:
        answer = self.client.get("/healthz", remaining=remaining)
        body = answer.json()
        if answer.status != 200 or not isinstance(body, dict) or body.get("ok") is not True:
            return f"/healthz answered {answer.status} with something else than the gateway's health"
        report.alive = True
        report.note = str(body.get("note") or "")
        return ""

    def _ready(self, report: GatewayReport, remaining: float | None) -> str:
        answer = self.client.get("/readyz", remaining=remaining)
        body = answer.json()
        if not isinstance(body, dict) or "ready" not in body:
            return f"/readyz answered {answer.status} with something else than the gateway's readiness"
        for name in ("litellm", "database", "limits"):
            setattr(report, name, str(body.get(name) or ""))
        if body["ready"] is True and answer.status == 200:
            return ""
        return str(body.get("reason") or f"/readyz answered {answer.status}")
