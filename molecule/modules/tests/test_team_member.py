"""Members of teams."""

from __future__ import annotations

import pytest
from conftest import LiteLLM
from lifecycle import Case, prove


def test_team_member(litellm: LiteLLM, name: str) -> None:
    litellm.do("litellm_team", team_alias=name)
    litellm.do("litellm_user", user_id=name)
    prove(
        litellm,
        Case(
            "team_member",
            identity={"team": name, "user_id": name},
            create={"max_budget": 10, "budget_duration": "30d"},
            updates=[
                {"max_budget": 0},
                {"max_budget": None},
                {"budget_duration": None},
                {"rpm_limit": 5, "tpm_limit": 1000},
                {"rpm_limit": None},
            ],
            untried={"role": "an admin needs LiteLLM Enterprise"},
        ),
    )
    litellm.do("litellm_team", team_alias=name, state="absent")
    litellm.do("litellm_user", user_id=name, state="absent")


def test_an_admin_needs_enterprise(litellm: LiteLLM, name: str) -> None:
    litellm.do("litellm_team", team_alias=name)
    litellm.do("litellm_user", user_id=name)
    refusal = litellm.refusal("litellm_team_member", team=name, user_id=name, role="admin")
    assert "this needs LiteLLM Enterprise" in refusal
    litellm.do("litellm_team", team_alias=name, state="absent")
    litellm.do("litellm_user", user_id=name, state="absent")


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_team_or_user_is_refused(litellm: LiteLLM, name: str, check: bool) -> None:
    assert "team: LiteLLM has no team" in litellm.refusal("litellm_team_member", team=name, user_id="x", check=check)
    litellm.do("litellm_team", team_alias=name)
    refusal = litellm.refusal("litellm_team_member", team=name, user_id="nobody", check=check)
    assert "user_id: LiteLLM has no user 'nobody'" in refusal
    assert litellm.do("litellm_user_info", user_id="nobody")["users"] == []
    litellm.do("litellm_team", team_alias=name, state="absent")
