"""Credentials of providers."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove

SECRET = "top-secret-0123456789"


def test_credential(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "credential",
            identity={"credential_name": name},
            create={"credential_values": {"api_key": SECRET}, "credential_info": {"custom_llm_provider": "openai"}},
            updates=[
                {"credential_info": {"description": "ü"}},
                {"credential_values": {"api_key": f"{SECRET}-other", "api_base": "http://127.0.0.1"}},
                {"credential_values": {"api_key": f"{SECRET}-other"}},
            ],
        ),
    )


def test_a_value_is_never_shown(litellm: LiteLLM, name: str) -> None:
    values = {"api_key": SECRET}
    for options in (
        {"credential_values": values},
        {"credential_values": {"api_key": SECRET[::-1]}},
        {"state": "absent"},
    ):
        text = litellm.do("litellm_credential", credential_name=name, **options).text
        assert SECRET not in text
        assert SECRET[::-1] not in text
        assert SECRET not in litellm.do("litellm_credential_info").text


def test_values_with_the_same_ends_are_told_apart(litellm: LiteLLM, name: str) -> None:
    litellm.do("litellm_credential", credential_name=name, credential_values={"api_key": "ab-1-yz"})
    assert litellm.do("litellm_credential", credential_name=name, credential_values={"api_key": "ab-2-yz"})["changed"]
    litellm.do("litellm_credential", credential_name=name, state="absent")
