"""What a client gets only where LiteLLM has its database: virtual keys and the spend log."""

from __future__ import annotations

import time
from collections.abc import Callable

import openai
import pytest
from checks.stack import Stack

testinfra_hosts = ["ansible://gateway"]

SPEND_LOG_SECONDS = 90


def test_wrong_key_is_401(stack: Stack) -> None:
    with pytest.raises(openai.AuthenticationError) as refusal:
        openai.OpenAI(base_url=f"{stack.url}/v1", api_key="sk-wrong", max_retries=0).models.list()
    assert refusal.value.status_code == 401


def test_virtual_key_works_and_is_confined_to_its_models(
    stack: Stack, litellm_api: Callable[..., dict], model_of: Callable[..., str]
) -> None:
    granted = model_of("openai")
    key = litellm_api("/key/generate", {"models": [granted]})["key"]
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0)
    assert client.chat.completions.create(model=granted, messages=[{"role": "user", "content": "hi"}]).choices
    with pytest.raises(openai.APIStatusError) as refusal:
        client.embeddings.create(model=model_of("ollama", embedding=True), input="x")
    assert refusal.value.status_code in (401, 403)


def test_spend_log_has_the_calls(
    client: openai.OpenAI, model_of: Callable[..., str], spend_log: Callable[[str], list[str]]
) -> None:
    model = model_of("openai")
    chat = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": f"spend {time.time_ns()}"}]
    )
    deadline = time.monotonic() + SPEND_LOG_SECONDS
    while not (rows := spend_log(chat.id)) and time.monotonic() < deadline:
        time.sleep(2)
    assert len(rows) == 1
    assert rows[0].endswith(f"|{chat.usage.total_tokens}")
