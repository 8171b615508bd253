"""Teams."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_team(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "team",
            identity={"team_alias": name},
            create={"max_budget": 10, "models": ["ollama-chat"], "metadata": {"a": {"b": [1]}}},
            updates=[
                {"max_budget": 0},
                {"max_budget": 8, "soft_budget": 3.5},
                {"max_budget": None},
                {"budget_duration": "30d"},
                {"budget_duration": None, "soft_budget": None},
                {"rpm_limit": 0, "tpm_limit": 1000, "tpd_limit": 2**40},
                {"model_rpm_limit": {"ollama-chat": 5}, "model_tpm_limit": {"ollama-chat": 50}},
                {"model_rpm_limit": {}, "model_tpm_limit": None},
                {"models": []},
                {"blocked": True},
                {"blocked": False},
                {"metadata": {"c": "ü"}},
                {"metadata": {}},
            ],
            untried={"team_id": "stated in a test of its own", "organization": "needs LiteLLM Enterprise"},
        ),
    )
