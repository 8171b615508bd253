"""The clients people use: OpenAI's with its exceptions, LiteLLM's, LangChain's, and plain curl, streams included."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from checks.stack import BASE, CONFIG, Stack
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

# LiteLLM's own client, from the release on the host; the key comes from its file, never from a command line.
_LITELLM_CLIENT = """
import json, shlex
key = next(shlex.split(line)[0].split("=", 1)[1] for line in open({env!r}) if line.startswith("LITELLM_MASTER_KEY="))
import litellm
ask = dict(model="openai/" + {model!r}, api_base="http://127.0.0.1:4010/v1", api_key=key, num_retries=0, timeout=60)
def chat(text, **more):
    return litellm.completion(messages=[dict(role="user", content=text)], **ask, **more)
said = chat("spoken by litellm").choices[0].message.content
pieces = [event.choices[0].delta.content for event in chat("chunks:4 a b c d", stream=True) if event.choices]
try:
    chat("error:429")
    raised = ""
except Exception as error:
    raised = type(error).__name__
print(json.dumps(dict(said=said, streamed=len([piece for piece in pieces if piece]), raised=raised)))
"""


@pytest.mark.parametrize(
    ("order", "exception"),
    [
        ("error:400", openai.BadRequestError),
        ("error:429", openai.RateLimitError),
        ("error:500", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_error_is_openais_exception(
    client: openai.OpenAI,
    model_of: Callable[..., str],
    order: str,
    exception: type[openai.APIStatusError],
    stream: bool,
) -> None:
    with pytest.raises(exception) as raised:
        client.chat.completions.create(
            model=model_of("openai"), messages=[{"role": "user", "content": order}], stream=stream
        )
    assert raised.value.status_code == int(order.partition(":")[2])


def test_an_unknown_model_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
        client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "x"}])


def test_a_malformed_key_is_an_authentication_error(stack: Stack) -> None:
    refused = openai.OpenAI(base_url=f"{stack.url}/v1", api_key="not a token", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        refused.models.list()
    assert raised.value.code == "invalid_api_key"


def test_litellms_client(host: Host, model_of: Callable[..., str]) -> None:
    program = _LITELLM_CLIENT.format(env=f"{CONFIG}/litellm.env", model=model_of("openai"))
    answer = json.loads(host.check_output(f"{BASE}/litellm/current/venv/bin/python -c %s", program).splitlines()[-1])
    assert "spoken by litellm" in answer["said"]
    assert answer["streamed"] >= 4
    assert answer["raised"] == "RateLimitError"


def test_langchains_client(stack: Stack, model_of: Callable[..., str]) -> None:
    chat = ChatOpenAI(
        model=model_of("openai"), base_url=f"{stack.url}/v1", api_key=lambda: stack.master_key, max_retries=0
    )
    assert "spoken by LangChain" in str(chat.invoke("spoken by LangChain").content)
    assert len([piece for piece in chat.stream("chunks:4 a b c d") if piece.content]) >= 4
    with pytest.raises(openai.RateLimitError):
        chat.invoke("error:429")
    embeddings = OpenAIEmbeddings(
        model=model_of("ollama", embedding=True),
        base_url=f"{stack.url}/v1",
        api_key=lambda: stack.master_key,
        check_embedding_ctx_length=False,
    )
    one, other = embeddings.embed_documents(["one", "other"])
    assert len(one) == len(other) > 1
    assert one != other


def test_plain_curl(stack: Stack, model_of: Callable[..., str], tmp_path: Path) -> None:
    head = tmp_path / "authorization"
    head.write_text(f"Authorization: Bearer {stack.master_key}\n")
    body = {"model": model_of("openai"), "messages": [{"role": "user", "content": "chunks:3 a b c"}], "stream": True}
    command = ["curl", "-sS", "-N", "-H", f"@{head}", "-H", "Content-Type: application/json", "-d", json.dumps(body)]
    answer = subprocess.run(
        [*command, f"{stack.url}/v1/chat/completions"], capture_output=True, text=True, check=True, timeout=60
    )
    events = [line for line in answer.stdout.splitlines() if line.startswith("data: ")]
    assert events[-1] == "data: [DONE]"
    assert len(events) > 3
