"""Prompts."""

from __future__ import annotations

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


def test_a_slash_is_refused(litellm: LiteLLM) -> None:
    assert "prompt_id must not hold a slash" in litellm.refusal("litellm_prompt", prompt_id="a/b", content=CONTENT)
