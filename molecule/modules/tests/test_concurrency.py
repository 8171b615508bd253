"""Two hosts that make the same at once end with one of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import LiteLLM

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("budget", "budget_id", {"max_budget": 1}),
    ("tag", "name", {"max_budget": 1}),
    ("user", "user_id", {"max_budget": 1}),
    ("team", "team_alias", {"max_budget": 1}),
    ("key", "key_alias", {"max_budget": 1}),
    ("model", "model_name", {"model": "openai/x", "rpm": 1}),
    ("credential", "credential_name", {"credential_values": {"api_key": "top-secret"}}),
    ("access_group", "access_group_name", {"models": ["ollama-chat"]}),
    ("guardrail", "guardrail_name", {"guardrail": "hide-secrets", "mode": "pre_call"}),
    ("vector_store", "vector_store_id", {"provider": "openai"}),
]


@pytest.mark.parametrize(("resource", "identity", "options"), CASES, ids=[case[0] for case in CASES])
def test_two_creators(litellm: LiteLLM, name: str, resource: str, identity: str, options: dict[str, Any]) -> None:
    stated = {identity: name, **options}
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(litellm.process, f"litellm_{resource}", **stated) for _ in range(2)]
        outcomes = [run.result() for run in runs]
    assert [outcome.get("msg") for outcome in outcomes] == [None, None]
    assert any(outcome["changed"] for outcome in outcomes)
    assert len(litellm.do(f"litellm_{resource}_info", **{identity: name})[f"{resource}s"]) == 1
    assert litellm.do(f"litellm_{resource}", **stated)["changed"] is False
    litellm.do(f"litellm_{resource}", **{identity: name}, state="absent")
