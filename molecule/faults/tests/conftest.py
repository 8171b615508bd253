"""What the tests of this scenario share: the stack, and a virtual key that has to work whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from checks.conftest import litellm_api, query, stack
from checks.stack import Stack
from client import Client

__all__ = ["litellm_api", "query", "stack"]


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key, which the database knows."""
    return str(litellm_api("/key/generate", {"key_alias": f"faults {time.time_ns()}"})["key"])


@pytest.fixture(scope="module")
def client(stack: Stack, key: str) -> Client:
    """A client of the gateway with the virtual key."""
    return Client(stack.url, key)
