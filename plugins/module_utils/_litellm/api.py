# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import ast
import contextlib
import http.client
import math
import re
import time
import typing as t
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

from ansible.module_utils.common.parameters import env_fallback
from ansible_collections.hx.gateway.plugins.module_utils._http import (
    Answer,
    HttpClient,
    HttpError,
    LostConnectionError,
    check_key,
    check_url,
    http_argument_spec,
)

Query = t.Mapping[str, t.Any]

# The longest pause between two attempts, whatever the server asks for: a play must not stand still for an hour.
MAX_PAUSE = 60.0
PAGE_SIZE = 100
# LiteLLM names the hash of a key it refuses.
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def api_argument_spec() -> dict[str, t.Any]:
    """Options of the doc fragments hx.gateway._http and hx.gateway._litellm_api."""
    spec = http_argument_spec()
    del spec["request_timeout"]
    return {
        **spec,
        "url": {**spec["url"], "fallback": (env_fallback, ["LITELLM_API_BASE"])},
        "api_key": {"type": "str", "required": True, "no_log": True, "fallback": (env_fallback, ["LITELLM_API_KEY"])},
        "timeout": {"type": "float", "default": 30},
        "retries": {"type": "int", "default": 4},
    }


class ApiError(Exception):
    """LiteLLM did not do what it was asked; the message says why in plain words, and never holds the key."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def _message(body: t.Any) -> str:
    """Find LiteLLM's words in an error: OpenAI's shape, FastAPI's detail, or what a validator did not like."""
    found = body
    while isinstance(found, dict):
        inner = next((found[name] for name in ("error", "detail", "message", "msg") if found.get(name)), None)
        if inner is None:
            return ""
        found = inner
    if isinstance(found, list):
        return "; ".join(_complaint(item) for item in found)
    words = " ".join(str(found).split()) if found else ""
    if words.startswith("{'"):
        # LiteLLM writes some errors as the text of a Python dictionary.
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return _message(ast.literal_eval(words)) or words
    return words


def _complaint(item: t.Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    place = ".".join(str(part) for part in item.get("loc", []) if part != "body")
    return f"{place}: {item.get('msg', '')}" if place else str(item.get("msg", ""))


def _error_type(body: t.Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    return kind if isinstance(kind, str) else ""


def _retry_after(answer: Answer) -> float | None:
    """Seconds the server asks to wait (RFC 9110, section 10.2.3), as a number or as a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def check_connection(params: dict[str, t.Any]) -> str:
    """Return what is wrong with the options of the connection; empty when nothing is."""
    if problem := check_url(params["url"]) or check_key(params["api_key"]):
        return problem
    if not (math.isfinite(params["timeout"]) and params["timeout"] > 0):
        return "timeout must be greater than 0"
    if params["retries"] < 0:
        return "retries must not be negative"
    return ""


class Api:
    """LiteLLM's management API (https://docs.litellm.ai/docs/proxy/management_cli), spoken with one key."""

    def __init__(self, params: dict[str, t.Any], *, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self.http = HttpClient({**params, "request_timeout": params["timeout"]})
        self.key: str = params["api_key"]
        self.retries: int = params["retries"]
        self.sleep = sleep

    def get(self, path: str, query: Query | None = None) -> t.Any:
        """GET a path and return the decoded answer."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: t.Any = None, query: Query | None = None) -> t.Any:
        """POST JSON to a path and return the decoded answer."""
        return self.call("POST", path, body={} if body is None else body, query=query)

    def call(self, method: str, path: str, *, body: t.Any = None, query: Query | None = None) -> t.Any:
        """Send one request, again where that is safe, and return the decoded answer; None where there is no content.

        Raises ApiError when no answer came, when it is not JSON, and when its status is 400 or above.
        """
        target = path + (f"?{urlencode(query, doseq=True)}" if query else "")
        answer = self._send(method, target, body)
        if answer.status == http.client.NO_CONTENT:
            return None
        try:
            decoded = answer.json()
        except HttpError as error:
            raise ApiError(f"{method} {path}: {error}", status=answer.status) from error
        if answer.status >= 300:
            raise ApiError(self._explain(method, path, answer, decoded), status=answer.status)
        return decoded

    def _send(self, method: str, target: str, body: t.Any) -> Answer:
        pause = 1.0
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                answer = self.http.request(method, target, body=body, headers={"Authorization": f"Bearer {self.key}"})
            except LostConnectionError as error:
                if last:
                    raise ApiError(f"{method} {target.partition('?')[0]}: {error}") from error
                self.sleep(pause)
            except HttpError as error:
                raise ApiError(f"{method} {target.partition('?')[0]}: {error}") from error
            else:
                if answer.status not in (http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE) or last:
                    return answer
                asked = _retry_after(answer)
                self.sleep(min(MAX_PAUSE, pause if asked is None else asked))
            pause = min(MAX_PAUSE, pause * 2)
        raise AssertionError("the last attempt returns or raises")

    def _explain(self, method: str, path: str, answer: Answer, body: t.Any) -> str:
        message = _HASH.sub("***", _message(body).replace(self.key, "***")) or "no reason given"
        if "no connected db" in message.lower() or "db not connected" in message.lower():
            return (
                f"{method} {path}: this LiteLLM runs without a database, "
                f"and keys, teams, models and other resources need one (LiteLLM says: {message})"
            )
        if "enterprise" in message.lower():
            return f"{method} {path}: this needs LiteLLM Enterprise (LiteLLM says: {message})"
        details = [f"status {answer.status}"]
        if kind := _error_type(body):
            details.append(kind)
        if request := answer.headers.get("x-litellm-call-id") or answer.headers.get("x-request-id"):
            details.append(f"request {request}")
        if answer.status == http.client.UNAUTHORIZED:
            return f"LiteLLM refused the key that ends in {self.key[-4:]!r} ({', '.join(details)}): {message}"
        return f"{method} {path}: {message} ({', '.join(details)})"

    def pages(self, path: str, entries: str, query: Query | None = None, *, size: str = "size") -> t.Iterator[t.Any]:
        """Read a list page by page to its end.

        ``entries`` is the name under which an answer holds them, ``size`` what the query calls their number.
        """
        page = 1
        while True:
            answer = self.get(path, {**(query or {}), "page": page, size: PAGE_SIZE})
            found = answer.get(entries) if isinstance(answer, dict) else None
            if not isinstance(found, list):
                raise ApiError(f"GET {path}: the answer holds no list {entries!r}")
            yield from found
            total = answer.get("total_pages")
            if not found or (isinstance(total, int) and page >= total):
                return
            page += 1


def listed(answer: t.Any, name: str = "") -> list[t.Any]:
    """Return the list an answer is, or holds under a name."""
    found = answer.get(name) if name and isinstance(answer, dict) else answer
    if not isinstance(found, list):
        raise ApiError(f"LiteLLM answered without the list {name!r}" if name else "LiteLLM's answer is not a list")
    return found


def segment(name: str) -> str:
    """Write a name as one segment of a path: slashes and everything else that is not a letter are encoded."""
    return quote(name, safe="")
