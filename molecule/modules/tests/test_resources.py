"""Whole lists at once, as the role applies them."""

from __future__ import annotations

import pytest
from conftest import LiteLLM

MODULE = "litellm_resources"


def actions(litellm: LiteLLM, **arguments: object) -> list[tuple[str, str, str]]:
    """Predict a run, make it, and see that both tell the same."""
    predicted = litellm.do(MODULE, check=True, **arguments)
    done = litellm.do(MODULE, **arguments)
    assert predicted["changes"] == done["changes"]
    assert predicted["diff"] == done["diff"]
    assert done["changed"] is bool(done["changes"])
    return [(change["resource"], change["name"], change["action"]) for change in done["changes"]]


def test_lists_are_applied_once(litellm: LiteLLM, name: str) -> None:
    lists = {"budgets": [{"budget_id": f"{name} a", "max_budget": 1}, {"budget_id": f"{name} b", "rpm_limit": 5}]}
    gone = {"budgets": [{"budget_id": budget["budget_id"], "state": "absent"} for budget in lists["budgets"]]}
    assert actions(litellm, **lists) == [("budget", f"{name} a", "created"), ("budget", f"{name} b", "created")]
    assert actions(litellm, **lists) == []
    assert set(litellm.do(MODULE, budgets=[])["unmanaged"]["budgets"]) >= {f"{name} a", f"{name} b"}
    assert actions(litellm, **gone) == [("budget", f"{name} b", "deleted"), ("budget", f"{name} a", "deleted")]
    assert actions(litellm, **gone) == []


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
    litellm: LiteLLM, name: str, wrong: dict[str, object], problem: str
) -> None:
    assert problem in litellm.refusal(MODULE, budgets=[{"budget_id": name}, wrong])
    assert litellm.do("litellm_budget_info", budget_id=name)["budgets"] == []
