# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.hx.gateway.plugins.module_utils._http import Answer, HttpClient, HttpError

Kind = t.Literal["chat", "embeddings"]


@dataclass
class RequestReport:
    """What became of one real request."""

    answered: bool = False
    reason: str = ""
    status: int | None = None
    id: str = ""
    call_id: str = ""
    model: str = ""
    total_tokens: int | None = None
    elapsed: float = 0.0

    def dump(self) -> dict[str, t.Any]:
        """Return the report as the module's result."""
        return asdict(self)


def error_text(body: t.Any) -> str:
    """Find the words of an error in OpenAI's shape."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return " ".join(message.split()) if isinstance(message, str) else ""


def judge(kind: Kind, answer: Answer, report: RequestReport) -> str:
    """Fill in what an answer says; return what is wrong with it."""
    report.status = answer.status
    report.call_id = answer.headers.get("x-litellm-call-id", "")
    try:
        body = answer.json()
    except HttpError as error:
        return str(error)
    if answer.status != 200:
        return f"the service answered {answer.status}: {error_text(body) or 'no reason given'}"
    if not isinstance(body, dict):
        return "the service answered 200 with JSON that is not a completion"
    report.id = str(body.get("id") or "")
    report.model = str(body.get("model") or "")
    usage = body.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    report.total_tokens = total if isinstance(total, int) else None
    return _content_problem(kind, body)


def _content_problem(kind: Kind, body: dict[str, t.Any]) -> str:
    if kind == "chat":
        choices = body.get("choices")
        message = choices[0].get("message") if isinstance(choices, list) and choices else None
        return "" if isinstance(message, dict) else "the service answered 200 without a message"
    data = body.get("data")
    vector = data[0].get("embedding") if isinstance(data, list) and data and isinstance(data[0], dict) else None
    return "" if vector else "the service answered 200 without a vector"


class RequestProbe:
    """Makes one real request, as a client of the gateway would."""

    def __init__(self, client: HttpClient, *, api_key: str, kind: Kind, model: str, text: str) -> None:
        self.client = client
        self.api_key = api_key
        self.kind: Kind = kind
        self.model = model
        self.text = text

    def ask(self, remaining: float | None = None) -> RequestReport:
        """Give one report, also when the service cannot be asked."""
        report = RequestReport()
        start = time.monotonic()
        path, body = self._request()
        headers = {"Authorization": f"Bearer {self.api_key}"}
        try:
            answer = self.client.request("POST", path, body=body, headers=headers, remaining=remaining)
        except HttpError as error:
            report.reason = str(error)
        else:
            report.reason = judge(self.kind, answer, report)
        report.elapsed = round(time.monotonic() - start, 3)
        report.answered = not report.reason
        return report

    def _request(self) -> tuple[str, dict[str, t.Any]]:
        if self.kind == "chat":
            return "/v1/chat/completions", {
                "model": self.model,
                "messages": [{"role": "user", "content": self.text}],
            }
        return "/v1/embeddings", {"model": self.model, "input": self.text}
