"""Prompts."""

from __future__ import annotations

import pytest
from conftest import LiteLLM
from lifecycle import Case, prove

CONTENT = "---\nmodel: ollama-chat\n---\nUser: Hello {{name}}"


def test_prompt(litellm: LiteLLM, name: str) -> None:
    prove(
        litellm,
        Case(
            "prompt",
            identity={"prompt_id": name.replace("/", "-")},
            create={"content": CONTENT},
            updates=[{"content": f"{CONTENT} ü"}, {"content": CONTENT}],
        ),
    )


@pytest.mark.parametrize("name", ["a/b", "x_vip", "x.v2"])
def test_names_that_mean_another_are_refused(litellm: LiteLLM, name: str) -> None:
    assert "prompt_id must not hold" in litellm.refusal("litellm_prompt", prompt_id=name, content=CONTENT)
