"""The one request that all contenders are asked."""

from __future__ import annotations

import json

PATH = "/v1/chat/completions"
KEY = "sk-bench-4f0c2a9b7d1e"

_PROMPT = "Summarise the minutes of the last meeting in three sentences, and name who has to do what until when. " * 2


def body(mark: str, *, stream: bool = False) -> str:
    """Return a deterministic chat request, which a cache may keep; `mark` is what tells it from others."""
    return json.dumps(
        {
            "model": "gpt-bench",
            "temperature": 0,
            "stream": stream,
            "messages": [
                {"role": "system", "content": "You are a careful assistant."},
                {"role": "user", "content": f"{_PROMPT}{mark}"},
            ],
        }
    )


def request(data: bytes) -> bytes:
    """Return the whole HTTP request with the body `data`."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data
