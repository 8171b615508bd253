"""Access groups."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_access_group(litellm: LiteLLM, name: str) -> None:
    litellm.do("litellm_team", team_alias=name)
    litellm.do("litellm_key", key_alias=name)
    prove(
        litellm,
        Case(
            "access_group",
            identity={"access_group_name": name},
            create={"models": ["ollama-chat"], "description": "what it is for"},
            updates=[
                {"models": ["openai-chat", "ollama-chat"]},
                {"models": []},
                {"description": None},
                {"teams": [name], "keys": [name]},
                {"teams": [], "keys": None},
                {"mcp_server_ids": ["a"]},
                {"mcp_server_ids": []},
            ],
        ),
    )
    litellm.do("litellm_team", team_alias=name, state="absent")
    litellm.do("litellm_key", key_alias=name, state="absent")


def test_nothing_is_made_of_bad_input(litellm: LiteLLM, name: str) -> None:
    for options, problem in (
        ({"models": ["none"]}, "models: LiteLLM has no model 'none'"),
        ({"teams": ["none"]}, "teams: LiteLLM has no team 'none'"),
        ({"keys": ["none"]}, "keys: LiteLLM has no virtual key 'none'"),
    ):
        assert problem in litellm.refusal("litellm_access_group", access_group_name=name, **options)
    assert litellm.do("litellm_access_group_info", access_group_name=name)["access_groups"] == []
