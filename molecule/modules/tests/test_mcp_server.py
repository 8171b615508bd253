"""Servers of tools."""

from __future__ import annotations

import os

from conftest import LiteLLM
from lifecycle import Case, prove


def test_mcp_server(litellm: LiteLLM) -> None:
    prove(
        litellm,
        Case(
            "mcp_server",
            identity={"server_name": f"tools_{os.getpid()}"},
            create={"transport": "http", "server_url": "http://127.0.0.1:9/mcp", "mcp_info": {"a": "b"}},
            updates=[
                {"description": "what it is for"},
                {"description": None},
                {"server_url": "http://127.0.0.1:9/other"},
                {"transport": "sse"},
                {"access_groups": ["b", "a"]},
                {"access_groups": []},
                {"allowed_tools": ["read"]},
                {"allowed_tools": []},
                {"allow_all_keys": True},
                {"allow_all_keys": False},
                {"request_timeout": 2.5, "max_concurrent_requests": 3, "rpm": 0},
                {"request_timeout": None, "max_concurrent_requests": None, "rpm": None},
                {"mcp_info": {"c": "ü"}},
                {"mcp_info": {}},
            ],
            untried={
                "server_id": "the same as other ids that are made from names",
                "command": "LiteLLM would start a program",
                "args": "LiteLLM would start a program",
            },
        ),
    )
