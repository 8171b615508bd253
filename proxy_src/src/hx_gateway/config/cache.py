"""The response cache."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hx_gateway.config.base import Section


class TtlRule(Section):
    """For how long the answers of the models are fresh whose name matches."""

    model: str = Field(min_length=1)
    """Shell pattern on the model name the client sends, case-sensitive."""
    ttl: float = Field(ge=0, le=31536000)
    """Seconds; 0: answers are not kept."""


class Cache(Section):
    """Answers to deterministic calls, kept for the key that asked."""

    enabled: bool = False
    store: Literal["memory", "redis"] = "memory"
    """Where answers are kept: in each process, or in the Redis of REDIS_URL, for all gateways."""
    ttl: float = Field(default=3600, ge=0, le=31536000)
    """Seconds an answer is fresh."""
    ttl_by_model: list[TtlRule] = Field(default_factory=list)
    """The first rule that matches counts."""
    auth_ttl: float = Field(default=60, gt=0, le=3600)
    """Seconds after which LiteLLM is asked again whether a key is good and may use the model."""
    shared_models: list[str] = Field(default_factory=list)
    """Patterns of models whose answers all keys share."""
    max_entry: int = Field(default=1048576, ge=1024)
    """Bytes of the largest body that is kept."""
    memory_max: int = Field(default=67108864, ge=65536)
    """Bytes that all answers kept in memory may take."""
    stale_if_error: float = Field(default=0, ge=0, le=604800)
    """Seconds an answer may be used beyond its time while the upstream fails (RFC 5861 section 4)."""
