"""Fixtures of the shared checks: the stack, a client of it, and what its hosts recorded."""

from __future__ import annotations

import http.client
import json
import shlex
import urllib.parse
from collections.abc import Callable
from typing import Any

import openai
import pytest
from checks import stack as stack_module
from checks.stack import Stack
from testinfra.host import Host

# Calls LiteLLM's own API on its host; the master key comes from its file, never from a command line.
_LITELLM_CALL = """
import json, shlex, sys, urllib.request
key = next(shlex.split(line)[0].split("=", 1)[1] for line in open({env!r}) if line.startswith("LITELLM_MASTER_KEY="))
request = urllib.request.Request("http://127.0.0.1:4000" + {path!r}, data={body!r}.encode(),
    headers={{"Authorization": "Bearer " + key, "Content-Type": "application/json"}})
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The deployed stack of the gateway host under test."""
    return stack_module.describe(host)


@pytest.fixture(scope="module")
def models(host: Host) -> list[dict[str, Any]]:
    """The inventory's model list, as LiteLLM's `model_list` has it."""
    return list(stack_module.evaluate(host, ("hx_models",))["hx_models"])


@pytest.fixture
def client(stack: Stack) -> openai.OpenAI:
    """The official client with the master key; it never retries, so a failure is seen."""
    return openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.master_key, max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def model_of(models: list[dict[str, Any]]) -> Callable[..., str]:
    """Find a model's public name by its provider (`ollama`, `openai`) and whether it embeds."""

    def find(provider: str, embedding: bool = False) -> str:
        return next(
            str(model["model_name"])
            for model in models
            if str(model["litellm_params"]["model"]).startswith(provider)
            and (model.get("model_info", {}).get("mode") == "embedding") is embedding
        )

    return find


@pytest.fixture
def provider_record(host: Host, stack: Stack) -> Callable[[], list[Any]]:
    """Read what the stand-in provider received, oldest first."""
    program = (
        f"import urllib.request as u; print(u.urlopen({stack.provider_url + '/_record'!r}, timeout=10).read().decode())"
    )

    def read() -> list[Any]:
        answer = json.loads(host.check_output("python3 -c %s", program))
        return list(answer["requests"] if isinstance(answer, dict) else answer)

    return read


@pytest.fixture(scope="module")
def litellm_api(host: Host) -> Callable[..., dict[str, Any]]:
    """POST a JSON body to LiteLLM's own API on its host as its administrator."""

    def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
        program = _LITELLM_CALL.format(env=f"{stack_module.CONFIG}/litellm.env", path=path, body=json.dumps(body))
        return dict(json.loads(host.check_output("python3 -c %s", program)))

    return call


@pytest.fixture(scope="module")
def query(host: Host) -> Callable[..., list[str]]:
    """Ask the database with the login the stack itself has; a row is its values with `|` between them."""

    def ask(statement: str, *values: str) -> list[str]:
        program = (
            "import json, shlex, psycopg2;"
            f"line = next(l for l in open('{stack_module.CONFIG}/gateway.env') if l.startswith('DATABASE_URL='));"
            "c = psycopg2.connect(shlex.split(line)[0].split('=', 1)[1].split('?')[0]).cursor();"
            f"c.execute({statement!r}, {values!r});"
            "print('\\n'.join('|'.join(map(str, row)) for row in c.fetchall()))"
        )
        return host.check_output(f"python3 -c {shlex.quote(program)}").splitlines()

    return ask


@pytest.fixture
def spend_log(query: Callable[..., list[str]]) -> Callable[[str], list[str]]:
    """Read a request's rows of the spend log as `model|total_tokens`."""

    def read(request_id: str) -> list[str]:
        return query('SELECT model, total_tokens FROM "LiteLLM_SpendLogs" WHERE request_id = %s', request_id)

    return read


@pytest.fixture
def raw_status() -> Callable[..., int]:
    """Send a target as it is, without a client's normalisation, and read the status."""

    def send(url: str, target: str, key: str) -> int:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=10)
        try:
            connection.putrequest("GET", target)
            connection.putheader("Authorization", f"Bearer {key}")
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()

    return send
