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


def test_usage_record_joins_the_spend_log(
    client: openai.OpenAI, model_of: Callable[..., str], query: Callable[..., list[str]]
) -> None:
    request_id = f"scenario-{time.time_ns()}"
    chat = client.chat.completions.create(
        model=model_of("openai"),
        messages=[{"role": "user", "content": request_id}],
        extra_headers={"x-request-id": request_id},
    )
    joined = (
        "SELECT u.prompt_tokens + u.completion_tokens, s.total_tokens, s.request_id, u.key_hash = s.api_key"
        ' FROM hx_usage.requests u JOIN "LiteLLM_SpendLogs" s ON s.litellm_call_id = u.call_id'
        " WHERE u.request_id = %s"
    )
    deadline = time.monotonic() + SPEND_LOG_SECONDS
    while not (rows := query(joined, request_id)) and time.monotonic() < deadline:
        time.sleep(2)
    total = chat.usage.total_tokens
    assert [row.split("|")[:3] for row in rows] == [[str(total), str(total), chat.id]]


def test_usage_records_leave_the_schema_of_litellm_alone(query: Callable[..., list[str]]) -> None:
    assert query(
        "SELECT schemaname, bool_or(tablename = '_prisma_migrations') FROM pg_tables"
        " WHERE schemaname IN ('public', 'hx_usage') GROUP BY schemaname ORDER BY schemaname"
    ) == ["hx_usage|False", "public|True"]
