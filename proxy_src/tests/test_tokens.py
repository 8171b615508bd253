"""Estimates of prompts."""

from __future__ import annotations

from typing import Any

import pytest

from hx_gateway.tokens import estimate_prompt


@pytest.mark.parametrize(
    ("document", "tokens"),
    [
        ({}, 0),
        ({"input": ""}, 0),
        ({"input": "a"}, 1),
        ({"input": "a" * 40}, 10),
        ({"input": ["a" * 4, "b" * 4]}, 2),
        ({"input": [1, 2, 3]}, 3),
        ({"input": [[1, 2], [3]]}, 3),
        ({"prompt": "a" * 8, "input": "b" * 8}, 4),
        ({"messages": [{"role": "user", "content": "a" * 8}, {"role": "user", "content": "b" * 4}]}, 3),
        ({"messages": [{"content": [{"type": "text", "text": "a" * 8}, {"type": "image_url", "image_url": {}}]}]}, 2),
        ({"system": "a" * 4, "messages": []}, 1),
        ({"messages": None, "input": 1.5, "prompt": True}, 0),
    ],
)
def test_estimates(document: dict[str, Any], tokens: int) -> None:
    assert estimate_prompt(document) == tokens
