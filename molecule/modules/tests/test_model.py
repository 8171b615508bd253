"""Models of the registry."""

from __future__ import annotations

import pytest
from conftest import LiteLLM
from lifecycle import Case, prove


def test_model(litellm: LiteLLM, name: str) -> None:
    litellm.do("litellm_credential", credential_name=name, credential_values={"api_key": "any"})
    prove(
        litellm,
        Case(
            "model",
            identity={"model_name": name},
            create={"model": "openai/standin-chat", "api_base": "http://127.0.0.1:11434/v1", "rpm": 5},
            updates=[
                {"model": "openai/standin-other", "api_base": "http://127.0.0.1:11434/v2"},
                {"credential": name},
                {"rpm": 0, "tpm": 1000},
                {"request_timeout": 2.5, "max_retries": 0},
                {"mode": "embedding"},
                {"base_model": "a-base-model"},
                {"access_groups": ["b", "a"]},
                {"api_version": "2026-01-01"},
                {"litellm_params": {"temperature": 0.5, "drop_params": True}},
                {"litellm_params": {"temperature": 0}},
                {"model_info": {"owner": "ü", "notes": {"a": [1]}}},
            ],
            derived={"mode"},
            untried={"model_id": "stated in a test of its own"},
        ),
    )
    litellm.do("litellm_credential", credential_name=name, state="absent")


def test_models_of_one_name_are_told_apart_by_their_ids(litellm: LiteLLM, name: str) -> None:
    for part in ("a", "b"):
        options = {"model_name": name, "model_id": f"{name} {part}", "model": f"openai/{part}"}
        assert litellm.do("litellm_model", **options)["action"] == "created"
        assert litellm.do("litellm_model", **options)["changed"] is False
    assert "state model_id to tell which is meant" in litellm.refusal("litellm_model", model_name=name, rpm=1)
    assert len(litellm.do("litellm_model_info", model_name=name)["models"]) == 2
    for part in ("a", "b"):
        litellm.do("litellm_model", model_name=name, model_id=f"{name} {part}", state="absent")
    assert litellm.do("litellm_model_info", model_name=name)["models"] == []


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("check", [True, False])
def test_a_model_of_the_configuration_is_never_touched(litellm: LiteLLM, state: str, check: bool) -> None:
    before = litellm.do("litellm_model_info", model_name="ollama-chat")["models"]
    refusal = litellm.refusal("litellm_model", model_name="ollama-chat", rpm=7, state=state, check=check)
    assert "it comes from config.yaml" in refusal
    assert litellm.do("litellm_model_info", model_name="ollama-chat")["models"] == before


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "does not exist; to make it, state model"),
        ({"model": "openai/x", "credential": "none"}, "credential: LiteLLM has no credential 'none'"),
        ({"model": "openai/x", "litellm_params": {"api_key": "sk-x"}}, "litellm_params.api_key: put secrets into"),
        ({"model": "openai/x", "litellm_params": {"rpm": 1}}, "litellm_params.rpm: use the option rpm"),
        ({"model": "openai/x", "rpm": -1}, "rpm must be 0 or more, not -1"),
    ],
)
def test_nothing_is_made_of_bad_input(litellm: LiteLLM, name: str, options: dict[str, object], problem: str) -> None:
    assert problem in litellm.refusal("litellm_model", model_name=name, **options)
    assert litellm.do("litellm_model_info", model_name=name)["models"] == []
