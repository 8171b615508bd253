"""Vector stores."""

from __future__ import annotations

from conftest import LiteLLM
from lifecycle import Case, prove


def test_vector_store(litellm: LiteLLM, name: str) -> None:
    litellm.do("litellm_credential", credential_name=name, credential_values={"api_key": "any"})
    prove(
        litellm,
        Case(
            "vector_store",
            identity={"vector_store_id": name},
            create={"provider": "openai", "vector_store_metadata": {"a": {"b": [1]}}, "credential": name},
            updates=[
                {"vector_store_name": "Handbook"},
                {"description": "what is in it"},
                {"provider": "azure"},
                {"vector_store_metadata": {"c": "ü"}},
                {"vector_store_metadata": {}},
            ],
        ),
    )
    litellm.do("litellm_credential", credential_name=name, state="absent")
