"""Fallbacks."""

from __future__ import annotations

import pytest
from conftest import LiteLLM
from lifecycle import Case, prove


@pytest.mark.parametrize("kind", ["general", "context_window"])
def test_fallback(litellm: LiteLLM, kind: str) -> None:
    prove(
        litellm,
        Case(
            "fallback",
            identity={"model": "ollama-chat", "fallback_type": kind},
            create={"fallback_models": ["openai-chat"]},
            updates=[{"fallback_models": ["openai-embedding", "openai-chat"]}, {"fallback_models": ["openai-chat"]}],
        ),
    )


def test_nothing_is_made_of_bad_input(litellm: LiteLLM) -> None:
    for models, problem in (
        (["none"], "fallback_models: LiteLLM has no model 'none'"),
        (["ollama-chat"], "fallback_models must not hold the model itself"),
        (None, "does not exist; to make it, state fallback_models"),
    ):
        assert problem in litellm.refusal("litellm_fallback", model="ollama-chat", fallback_models=models)
