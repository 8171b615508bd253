"""The shapes in which an answer travels: one JSON document, or pieces of a stream."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hx_provider_standin.orders import Orders


@dataclass(frozen=True)
class Call:
    """A request as the protocols see it."""

    path: str
    body: dict[str, Any]
    orders: Orders

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model", "stand-in"))


@dataclass(frozen=True)
class Reply:
    """An answer: a JSON document, or, where `pieces` is filled, a stream of them."""

    document: Any = None
    status: int = 200
    pieces: list[bytes] = field(default_factory=list)
    content_type: str = "application/json"

    def encoded(self) -> bytes:
        """Return the JSON document's bytes."""
        return json.dumps(self.document, ensure_ascii=False).encode()


def event(document: Any) -> bytes:
    """Return one Server-Sent Event."""
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def line(document: Any) -> bytes:
    """Return one line of newline-delimited JSON, which is how Ollama streams."""
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"
