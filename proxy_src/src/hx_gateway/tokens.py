"""Token counts: as answers state them, and as they are estimated where nothing states them."""

from __future__ import annotations

from typing import Any

from hx_gateway.outcome import Usage

CHARACTERS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English text (help.openai.com, "What are tokens and how to count them?")."""

_TEXTS = ("messages", "input", "prompt", "system", "instructions")
"""Keys of a request under which its text stands: chat completions, responses, completions, embeddings, messages."""

_NESTED = ("message", "response")
"""Keys under which events of the Messages and the Responses API carry the object that has `usage`."""


def estimate_prompt(document: dict[str, Any]) -> int:
    """Return about how many tokens the text in the request `document` has; 0 for a request without text."""
    characters = 0
    for key in _TEXTS:
        value = document.get(key)
        if value is not None:
            characters += _characters(value)
    return -(-characters // CHARACTERS_PER_TOKEN)


def stated_usage(document: object) -> Usage | None:
    """Return the usage that an answer or an event states, in OpenAI's or Anthropic's words; None without one."""
    if not isinstance(document, dict):
        return None
    usage = document.get("usage")
    for key in _NESTED:
        if not isinstance(usage, dict) and isinstance(document.get(key), dict):
            usage = document[key].get("usage")
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage, "prompt_tokens", "input_tokens")
    completion = _count(usage, "completion_tokens", "output_tokens")
    if prompt is None and completion is None:
        return None
    return Usage(prompt or 0, completion or 0)


def _count(usage: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and value >= 0:
            return value
    return None


def _characters(value: object) -> int:
    """Characters of the text in a JSON value; a number in a list is a token that was counted already."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        characters = 0
        for item in value:
            characters += CHARACTERS_PER_TOKEN if isinstance(item, int) else _characters(item)
        return characters
    if isinstance(value, dict):
        content, text = value.get("content"), value.get("text")
        return (len(content) if isinstance(content, str) else _characters(content)) + (
            _characters(text) if text is not None else 0
        )
    return 0
