"""Tags."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_tag(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "tag",
            identity={"name": name},
            create={"max_budget": 10, "description": "what it is for"},
            updates=[
                {"max_budget": 0, "soft_budget": 3.5},
                {"max_budget": None},
                {"budget_duration": "30d"},
                {"budget_duration": None, "soft_budget": None},
                {"max_parallel_requests": 3, "rpm_limit": 0, "tpm_limit": 1000},
                {"description": None},
                {"description": "ü"},
            ],
            untried={"models": "needs a model of the database, see its own test"},
        ),
    )
