"""What the official OpenAI client gets from the gateway, and what the provider and the spend log have of it."""

from __future__ import annotations

import json
import shlex
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import openai
import pytest
from checks.stack import Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]


def test_healthz_answers_exactly_the_agreed_text(stack: Stack) -> None:
    with urllib.request.urlopen(f"{stack.url}/healthz", timeout=10) as answer:
        assert answer.status == 200
        assert answer.read().decode() == '{"ok": true, "note": "HX wrapper \u2013 proxy mode"}'


def test_readyz_says_that_litellm_is_ready(stack: Stack) -> None:
    with urllib.request.urlopen(f"{stack.url}/readyz", timeout=10) as answer:
        assert json.loads(answer.read())["ready"] is True


def test_model_list_is_the_inventorys(client: openai.OpenAI, models: list[dict[str, Any]]) -> None:
    assert {model.id for model in client.models.list()} == {model["model_name"] for model in models}


def test_chat_answers(client: openai.OpenAI, model_of: Callable[..., str]) -> None:
    answer = client.chat.completions.create(
        model=model_of("openai"), messages=[{"role": "user", "content": "hello from the scenario"}]
    )
    assert "hello from the scenario" in (answer.choices[0].message.content or "")


def test_streamed_chat_arrives_as_it_is_sent(client: openai.OpenAI, model_of: Callable[..., str]) -> None:
    arrivals = []
    text = ""
    stream = client.chat.completions.create(
        model=model_of("openai"),
        messages=[{"role": "user", "content": "chunks:5:800ms one two three four five"}],
        stream=True,
    )
    for event in stream:
        if event.choices and event.choices[0].delta.content:
            arrivals.append(time.monotonic())
            text += event.choices[0].delta.content
    assert "five" in text
    # Five chunks, 800 ms apart; a busy machine may show the first one late, a lump would arrive within milliseconds.
    assert arrivals[-1] - arrivals[0] > 2.4


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_embeddings_are_the_providers(
    client: openai.OpenAI, model_of: Callable[..., str], provider_record: Callable[[], list[Any]], kind: str
) -> None:
    text = f"embed {kind} {time.time_ns()}"
    answer = client.embeddings.create(model=model_of(kind, embedding=True), input=text)
    assert len(answer.data[0].embedding) > 1
    assert any(text in json.dumps(entry) for entry in provider_record()), "the provider got the text"


def test_prompt_travels_beside_input_to_ollama(
    client: openai.OpenAI, model_of: Callable[..., str], provider_record: Callable[[], list[Any]]
) -> None:
    text = f"both {time.time_ns()}"
    client.embeddings.create(model=model_of("ollama", embedding=True), input=text)
    sent = [entry for entry in provider_record() if text in json.dumps(entry)]
    assert sent, "the provider got the text"
    body = sent[-1]["body"]
    assert text in json.dumps(body["input"])
    assert body["options"]["prompt"] == text


def test_prompt_alone_from_an_old_client_becomes_input(client: openai.OpenAI, model_of: Callable[..., str]) -> None:
    answer = client.post(
        "/embeddings",
        body={"model": model_of("openai", embedding=True), "prompt": "an old client"},
        cast_to=dict[str, Any],
    )
    assert len(answer["data"]) == 1


def test_large_prompt_passes(client: openai.OpenAI, model_of: Callable[..., str]) -> None:
    answer = client.chat.completions.create(
        model=model_of("openai"), messages=[{"role": "user", "content": "word " * 300_000}]
    )
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    "target", ["/key/info", "/v1/../key/info", "/v1/%2e%2e/key/info", "/v1/..%2fkey/info", "//key/info"]
)
def test_only_v1_reaches_litellm(stack: Stack, raw_status: Callable[..., int], target: str) -> None:
    assert raw_status(stack.url, target, stack.master_key) in (400, 404)


def test_metrics_are_on_loopback_and_not_on_the_clients_port(host: Host, client: openai.OpenAI, stack: Stack) -> None:
    client.models.list()
    program = (
        "import urllib.request as r; print(r.urlopen('http://127.0.0.1:4011/metrics', timeout=10).read().decode())"
    )
    page = host.check_output(f"python3 -c {shlex.quote(program)}")
    assert 'method="GET",model="",route="/v1/models",status="2xx"' in page
    assert "process_resident_memory_bytes" in page  # under the unit's sandbox, too
    assert not host.socket("tcp://0.0.0.0:4011").is_listening
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{stack.url}/metrics", timeout=10)
    assert refusal.value.code == 404
