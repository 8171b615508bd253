"""Whole lists at once, as the role applies them."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import LiteLLM

MODULE = "litellm_resources"


def actions(litellm: LiteLLM, **arguments: Any) -> list[tuple[str, str, str]]:
    """Predict a run, make it, and see that both tell the same."""
    predicted = litellm.do(MODULE, check=True, **arguments)
    done = litellm.do(MODULE, **arguments)
    changes = [{name: told for name, told in change.items() if name != "key"} for change in done["changes"]]
    assert predicted["changes"] == changes
    assert predicted["diff"] == done["diff"]
    assert done["changed"] is bool(changes)
    return [(change["resource"], change["name"], change["action"]) for change in changes]


def everything(name: str) -> dict[str, list[dict[str, Any]]]:
    """One of each kind, in an order in which they could not be made, each referring to others."""
    return {
        "fallbacks": [{"model": name, "fallback_models": ["ollama-chat"]}],
        "access_groups": [{"access_group_name": name, "models": [name], "teams": [name], "keys": [name]}],
        "keys": [{"key_alias": name, "models": [name, f"{name} group"], "team": name, "budget_id": name}],
        "team_members": [{"team": name, "user_id": name, "max_budget": 1}],
        "teams": [{"team_alias": name, "models": [name]}],
        "users": [{"user_id": name, "user_role": "internal_user"}],
        "tags": [{"name": name, "max_budget": 1}],
        "budgets": [{"budget_id": name, "max_budget": 1}],
        "prompts": [{"prompt_id": name.replace("/", "-"), "content": "User: hello"}],
        "guardrails": [{"guardrail_name": name, "guardrail": "hide-secrets", "mode": "pre_call"}],
        "vector_stores": [{"vector_store_id": name, "provider": "openai", "credential": name}],
        "mcp_servers": [
            {"server_name": f"lists_{abs(hash(name))}", "transport": "http", "server_url": "http://127.0.0.1:9/mcp"}
        ],
        "models": [
            {"model_name": name, "model": "openai/x", "credential": name, "access_groups": [f"{name} group"]},
        ],
        "credentials": [{"credential_name": name, "credential_values": {"api_key": "top-secret-of-the-lists"}}],
    }


def test_lists_are_applied_once_and_purged(litellm: LiteLLM, name: str) -> None:
    lists = everything(name)
    mark = {"managed_by": name}
    made = actions(litellm, **lists, **mark)
    assert [action for _resource, _name, action in made] == ["created"] * len(lists)
    assert actions(litellm, **lists, **mark) == []
    # Another inventory's purge touches none of it.
    assert actions(litellm, **{kind: [] for kind in lists}, managed_by=f"{name} other", purge=True) == []
    told = litellm.do(MODULE, **{kind: [] for kind in lists})["unmanaged"]
    assert told.keys() >= lists.keys()
    assert all(told[kind] for kind in lists)
    # What has no place for a mark is taken away by name, the rest by the purge.
    unmarked = ("fallbacks", "access_groups", "team_members", "tags", "budgets", "prompts")
    gone = {kind: [{**one, "state": "absent"} for one in lists[kind]] for kind in unmarked}
    removed = actions(litellm, **{**{kind: [] for kind in lists}, **gone}, **mark, purge=True)
    assert sorted(change[:2] for change in removed) == sorted(change[:2] for change in made)
    assert {action for _resource, _name, action in removed} == {"deleted"}
    assert actions(litellm, **{**{kind: [] for kind in lists}, **gone}, **mark, purge=True) == []


def test_no_secret_of_a_list_is_shown(litellm: LiteLLM, name: str) -> None:
    credential = {"credential_name": name, "credential_values": {"api_key": "top-secret-of-the-lists"}}
    for wrong in ({}, {"no_such_option": 1}, {"credential_info": "text"}, {"state": "gone"}):
        outcome = litellm.run(MODULE, check=True, credentials=[{**credential, **wrong}])
        assert outcome.failed is bool(wrong)
        assert "top-secret-of-the-lists" not in outcome.text


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"budget_id": "x", "maxbudget": 1}, "budgets[1]: maxbudget"),
        ({"budget_id": "x", "rpm_limit": "many"}, "budgets[1]: argument 'rpm_limit' is of type str"),
        ({"budget_id": "x", "max_budget": -1}, "budgets[1]: max_budget must be 0 or more, not -1"),
        ({}, "budgets[1]: missing required arguments: budget_id"),
    ],
)
def test_nothing_is_done_when_something_is_wrong(
    litellm: LiteLLM, name: str, wrong: dict[str, Any], problem: str
) -> None:
    assert problem in litellm.refusal(MODULE, budgets=[{"budget_id": name}, wrong])
    assert litellm.do("litellm_budget_info", budget_id=name)["budgets"] == []


def test_nothing_is_done_when_something_refers_to_nothing(litellm: LiteLLM, name: str) -> None:
    lists = {"budgets": [{"budget_id": name}], "keys": [{"key_alias": name, "team": "none"}]}
    assert f"keys[0] ({name}): team: LiteLLM has no team 'none'" in litellm.refusal(MODULE, **lists)
    assert litellm.do("litellm_budget_info", budget_id=name)["budgets"] == []
