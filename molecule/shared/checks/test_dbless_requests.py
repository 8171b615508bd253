"""What a client gets where LiteLLM has no database: the master key serves, others get LiteLLM's refusal."""

from __future__ import annotations

import openai
import pytest
from checks.stack import Stack

testinfra_hosts = ["ansible://gateway"]


def test_wrong_key_gets_litellms_refusal_unchanged(stack: Stack) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        openai.OpenAI(base_url=f"{stack.url}/v1", api_key="sk-wrong", max_retries=0).models.list()
    assert refusal.value.response.json() == {
        "error": {"message": "No connected db.", "type": "no_db_connection", "param": None, "code": "400"}
    }
