"""Guardrails."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_guardrail(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "guardrail",
            identity={"guardrail_name": name},
            create={"guardrail": "hide-secrets", "mode": "pre_call", "guardrail_info": {"a": {"b": [1]}}},
            updates=[
                {"mode": "post_call"},
                {"default_on": True},
                {"default_on": False},
                {"litellm_params": {"timeout": 2.5}},
                {"guardrail_info": {"c": "ü"}},
                {"guardrail_info": {}},
            ],
        ),
    )


def test_secrets_are_refused(litellm: LiteLLM, name: str) -> None:
    options = {"guardrail": "lakera", "mode": "pre_call", "litellm_params": {"api_key": "sk-never-shown"}}
    refusal = litellm.refusal("litellm_guardrail", guardrail_name=name, **options)
    assert "litellm_params.api_key: LiteLLM never tells secrets again" in refusal
