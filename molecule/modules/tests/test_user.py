"""Internal users."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_user(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "user",
            identity={"user_id": name},
            create={"user_role": "internal_user_viewer", "max_budget": 10, "metadata": {"a": 1}},
            updates=[
                {"user_email": f"{abs(hash(name))}@Example.com"},
                {"user_alias": "An alias"},
                {"user_alias": None, "user_email": None},
                {"user_role": "internal_user"},
                {"max_budget": 0},
                {"max_budget": None},
                {"budget_duration": "30d"},
                {"budget_duration": None},
                {"rpm_limit": 0, "tpm_limit": 1000},
                {"models": ["openai-chat"]},
                {"metadata": {"c": "ü"}},
            ],
        ),
    )
