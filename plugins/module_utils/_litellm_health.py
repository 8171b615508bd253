# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.hx.gateway.plugins.module_utils._http import Answer, HttpClient, HttpError

READINESS_PATH = "/health/readiness"
MODELS_PATH = "/v1/models"


@dataclass
class HealthReport:
    """One answer about a LiteLLM server."""

    ready: bool = False
    reachable: bool = False
    reason: str = ""
    status: int | None = None
    db: str = ""
    litellm_version: str = ""
    key_accepted: bool | None = None
    key_status: int | None = None
    key_error_type: str = ""
    models: list[str] = field(default_factory=list)
    missing_models: list[str] = field(default_factory=list)
    ended: str = ""
    """What became of the server's process, if that is known."""

    def dump(self) -> dict[str, t.Any]:
        """Return the report as the module's result."""
        return {name: value for name, value in asdict(self).items() if name != "ended"}


def _text(value: t.Any) -> str:
    return value if isinstance(value, str) else ""


def judge_readiness(answer: Answer, *, database: bool, report: HealthReport) -> str:
    """Fill in what the readiness answer says; return what is wrong with it.

    The status alone does not do: without a database LiteLLM answers 200, although every virtual key is refused then.
    """
    report.status = answer.status
    try:
        body = answer.json()
    except HttpError as error:
        return str(error)
    if not isinstance(body, dict):
        return f"the service answered {answer.status} with JSON that is not LiteLLM's readiness"
    report.db = _text(body.get("db"))
    report.litellm_version = _text(body.get("litellm_version"))
    state = report.db.lower()
    problems = {
        "LiteLLM is shutting down": body.get("status") == "shutting_down",
        "LiteLLM has lost its database": state == "disconnected",
        "LiteLLM's questions to its database take too long": state == "stalled",
        f"LiteLLM answered its readiness with status {answer.status}": answer.status != 200,
        "the service does not call itself healthy as LiteLLM does": body.get("status") not in ("healthy", "connected"),
        f'LiteLLM runs without its database ("db" is "{report.db}")': database and state != "connected",
    }
    return next((problem for problem, found in problems.items() if found), "")


def _error_type(body: t.Any) -> str:
    """Read the type out of an error in OpenAI's shape."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ""
    return _text(error.get("type")) or _text(error.get("code"))


def judge_key(answer: Answer, *, report: HealthReport) -> str:
    """Fill in what the list of models says about the key; return what is wrong with it."""
    report.key_status = answer.status
    try:
        body = answer.json()
    except HttpError as error:
        return f"the key could not be tried: {error}"
    if answer.status == 200:
        entries = body.get("data") if isinstance(body, dict) else None
        if not isinstance(entries, list):
            return "the key could not be tried: the service answered 200 without a list of models"
        report.key_accepted = True
        names = {_text(entry.get("id")) for entry in entries if isinstance(entry, dict)}
        report.models = sorted(names - {""})
        return ""
    report.key_error_type = _error_type(body)
    kind = f", {report.key_error_type}" if report.key_error_type else ""
    # 408 and 429 are about load, 404 about the path: none of them is a word about the key.
    if 400 <= answer.status < 500 and answer.status not in (404, 408, 429):
        report.key_accepted = False
        return f"the key was refused (status {answer.status}{kind})"
    return f"the key could not be tried (status {answer.status}{kind})"


class HealthProbe:
    """Asks a LiteLLM server how it is."""

    def __init__(self, client: HttpClient, *, database: bool, api_key: str | None, expect_models: list[str]) -> None:
        self.client = client
        self.database = database
        self.api_key = api_key
        self.expect_models = expect_models

    def ask(self, remaining: float | None = None) -> HealthReport:
        """Give one answer, also when the server cannot be asked."""
        report = HealthReport()
        report.reason = self._readiness(report, remaining) or self._key(report, remaining) or self._models(report)
        report.ready = not report.reason
        return report

    def _readiness(self, report: HealthReport, remaining: float | None) -> str:
        try:
            answer = self.client.get(READINESS_PATH, remaining=remaining)
        except HttpError as error:
            return str(error)
        report.reachable = True
        return judge_readiness(answer, database=self.database, report=report)

    def _key(self, report: HealthReport, remaining: float | None) -> str:
        if not self.api_key:
            return ""
        try:
            answer = self.client.get(
                MODELS_PATH, headers={"Authorization": f"Bearer {self.api_key}"}, remaining=remaining
            )
        except HttpError as error:
            return f"the key could not be tried: {error}"
        return judge_key(answer, report=report)

    def _models(self, report: HealthReport) -> str:
        report.missing_models = sorted(set(self.expect_models) - set(report.models))
        if not report.missing_models:
            return ""
        return f"the key may not use, or the server does not have: {', '.join(report.missing_models)}"
