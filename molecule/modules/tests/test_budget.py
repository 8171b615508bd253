"""Budgets."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_budget(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "budget",
            identity={"budget_id": name},
            create={"max_budget": 10, "soft_budget": 8.5, "budget_duration": "30d"},
            updates=[
                {"max_budget": 0},
                {"max_budget": None},
                {"budget_duration": None, "soft_budget": None},
                {"max_parallel_requests": 3, "rpm_limit": 0, "tpm_limit": 1000, "tpd_limit": 2**40},
                {"budget_duration": "1mo"},
            ],
            untried={"model_max_budget": "needs LiteLLM Enterprise"},
        ),
    )


def test_what_needs_enterprise_is_said(litellm: LiteLLM, name: str) -> None:
    limits = {"ollama-chat": {"budget_limit": 1.0, "time_period": "1d"}}
    assert "this needs LiteLLM Enterprise" in litellm.refusal("litellm_budget", budget_id=name, model_max_budget=limits)
    assert litellm.do("litellm_budget_info", budget_id=name)["budgets"] == []


def test_a_negative_budget_is_refused(litellm: LiteLLM, name: str) -> None:
    assert litellm.refusal("litellm_budget", budget_id=name, max_budget=-1) == "max_budget must be 0 or more, not -1"
