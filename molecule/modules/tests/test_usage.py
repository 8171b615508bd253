"""What was used, and what the spend log says of one request."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime

import pytest
from conftest import LiteLLM

# LiteLLM writes its daily figures a minute or two after the requests.
PATIENCE = 400
COUNTS = ("api_requests", "successful_requests", "failed_requests")


@pytest.fixture(scope="module")
def asked(litellm: LiteLLM) -> dict[str, str]:
    """Ask two questions with a key of a team and a user; tell their names and the id of an answer."""
    name = f"usage {time.time_ns()}"
    litellm.do("litellm_user", user_id=name)
    litellm.do("litellm_team", team_alias=name)
    key = litellm.do("litellm_key", key_alias=name, user_id=name, team=name)
    for text in ("one", "two"):
        body = {"model": "ollama-chat", "messages": [{"role": "user", "content": f"{name} {text}"}]}
        request = urllib.request.Request(
            f"{litellm.url}/v1/chat/completions",
            data=json.dumps({**body, "metadata": {"tags": [name]}}).encode(),
            headers={"Authorization": f"Bearer {key['key']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            request_id = json.load(answer)["id"]
    token = key["virtual_key"]["token"]
    return {
        "name": name,
        "id": request_id,
        "key": token,
        "team": key["virtual_key"]["team_id"],
        "user": name,
        "tag": name,
    }


def test_request(litellm: LiteLLM, asked: dict[str, str]) -> None:
    logged = litellm.do("litellm_request_info", request_id=asked["id"], wait_timeout=200)
    assert logged["found"] is True
    assert (logged["request"]["key_token"], logged["request"]["status"]) == (asked["key"], "success")
    assert logged["request"]["total_tokens"] > 0
    missing = litellm.do("litellm_request_info", request_id="none")
    assert (missing["found"], missing["request"]) == (False, {})
    assert "wait_timeout must not be negative" in litellm.refusal(
        "litellm_request_info", request_id="x", wait_timeout=-1
    )


@pytest.mark.parametrize("group", ["key", "team", "user", "tag"])
def test_usage(litellm: LiteLLM, asked: dict[str, str], group: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    deadline = time.monotonic() + PATIENCE
    found: list[dict[str, object]] = []
    while not (found and found[0]["api_requests"] == 2) and time.monotonic() < deadline:
        usage = litellm.do("litellm_usage_info", start_date=today, end_date=today, by=group)["usage"]
        found = [row for row in usage if row["id"] == asked[group]]
        time.sleep(2)
    assert [[row[count] for count in COUNTS] for row in found] == [[2, 2, 0]]


@pytest.mark.usefixtures("asked")
def test_days_add_up(litellm: LiteLLM) -> None:
    span = {"start_date": "2026-01-01", "end_date": datetime.now(UTC).date().isoformat()}
    by_day = litellm.do("litellm_usage_info", **span)["usage"]
    by_key = litellm.do("litellm_usage_info", by="key", **span)["usage"]
    per_day = litellm.do("litellm_usage_info", by="key", daily=True, **span)["usage"]
    totals = [sum(row["api_requests"] for row in rows) for rows in (by_day, by_key, per_day)]
    assert totals[0] == totals[1] == totals[2] >= 2
    assert {row["date"] for row in per_day} == {row["date"] for row in by_day}


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        ("2026-02-30", "2026-03-01", "start_date must be a date"),
        ("2026-02-01", "soon", "end_date must be a date"),
        ("2026-02-02", "2026-02-01", "start_date must not be after end_date"),
    ],
)
def test_ranges_that_are_none(litellm: LiteLLM, start: str, end: str, problem: str) -> None:
    assert problem in litellm.refusal("litellm_usage_info", start_date=start, end_date=end)
