"""How embeddings requests are translated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hx_gateway.config.base import Section

EmbeddingsMode = Literal["replace", "both", "reverse", "off"]


class EmbeddingsRule(Section):
    """A mode for the models whose name matches."""

    model: str = Field(min_length=1)
    """Shell pattern on the model name the client sends, case-sensitive: `*`, `?`, `[...]`."""
    mode: EmbeddingsMode


class Embeddings(Section):
    """Translation between `input` and `prompt` on POST /v1/embeddings; the first rule that matches counts."""

    default: EmbeddingsMode = "reverse"
    rules: list[EmbeddingsRule] = Field(default_factory=list)
