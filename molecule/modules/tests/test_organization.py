"""Organisations, which LiteLLM keeps for those who pay."""

from __future__ import annotations

import pytest
from conftest import LiteLLM

ENTERPRISE = "this needs LiteLLM Enterprise"


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("check", [True, False])
def test_organization(litellm: LiteLLM, name: str, state: str, check: bool) -> None:
    refusal = litellm.refusal("litellm_organization", organization_alias=name, max_budget=1, state=state, check=check)
    assert ENTERPRISE in refusal


def test_organization_info(litellm: LiteLLM) -> None:
    assert ENTERPRISE in litellm.refusal("litellm_organization_info")


def test_a_team_of_an_organization(litellm: LiteLLM, name: str) -> None:
    assert ENTERPRISE in litellm.refusal("litellm_team", team_alias=name, organization="research")
    assert litellm.do("litellm_team_info", team_alias=name)["teams"] == []
