"""What the tests of this scenario share: the operator, and a virtual key that has to work whenever a page is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from checks.conftest import litellm_api, query, stack
from checks.stack import LITELLM_UNIT, Stack
from site_operator import CHECKOUT, Operator
from testinfra.host import Host

__all__ = ["litellm_api", "query", "stack"]

# LiteLLM looks for its database again by itself.
COMES_BACK = 120


@pytest.fixture(scope="module")
def operator(host: Host, stack: Stack) -> Operator:
    """The operator, who begins on a bare host with a new checkout."""
    operator = Operator(host, stack)
    if not host.file(f"/etc/systemd/system/{LITELLM_UNIT}").exists or not CHECKOUT.exists():
        operator.check_out()
    return operator


@pytest.fixture
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key, which the database knows."""
    return str(litellm_api("/key/generate", {"key_alias": f"runbooks {time.time_ns()}"})["key"])


@pytest.fixture
def works(stack: Stack) -> Callable[[str], None]:
    """Fail unless a key is served through the gateway, as soon as LiteLLM has come back."""

    def ask(key: str) -> None:
        client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0, timeout=60)
        deadline = time.monotonic() + COMES_BACK
        said = f"asked at {time.time_ns()}"
        message: Any = {"role": "user", "content": said}
        while True:
            try:
                answer = client.chat.completions.create(model="openai-chat", messages=[message])
            except openai.APIError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                assert answer.choices[0].message.content == said
                return

    return ask
