"""What a client may use in a while."""

from __future__ import annotations

from math import gcd
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from hx_gateway.config.base import Section

Count = Literal["requests", "tokens", "concurrent"]
Scope = Literal["key", "model", "client", "global"]

_LARGEST = 1 << 50
"""Levels stay exact in Lua's numbers, which are doubles, even when answers take far more than was reserved."""


class RateLimit(Section):
    """One limit. Of each counter in its scope, `amount` may be used in `window` seconds."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """Names it in logs, metrics and Redis."""
    count: Count
    """`concurrent` counts requests that are not finished, streams until their last byte."""
    scope: list[Scope] = Field(min_length=1)
    """What has a counter of its own: each `key`, `model` or client address, each combination of those named."""
    amount: int = Field(gt=0)
    window: float = Field(default=60, ge=0.001, le=31 * 86400)
    """Seconds in which `amount` comes back, evenly (GCRA, ITU-T I.371); without meaning for `concurrent`."""
    burst: int = Field(default=0, ge=0)
    """What may be used at once, after a pause; 0 for `amount`."""
    models: list[str] = Field(default_factory=list)
    """Shell patterns on the model's name; the limit is for those that match. None: for every request."""
    key_hashes: list[str] = Field(default_factory=list)
    """SHA-256 of keys in hexadecimal, as LiteLLM's tables name them; the limit is for these. None: for every key."""

    @field_validator("scope")
    @classmethod
    def _is_scope(cls, value: list[Scope]) -> list[Scope]:
        if len(set(value)) != len(value):
            raise ValueError("must not repeat itself")
        if "global" in value and len(value) > 1:
            raise ValueError("global stands alone")
        return value

    @field_validator("key_hashes")
    @classmethod
    def _are_hashes(cls, value: list[str]) -> list[str]:
        if any(len(item) != 64 or set(item) - set("0123456789abcdef") for item in value):
            raise ValueError("must be SHA-256 hashes, 64 hexadecimal digits in lower case")
        return value

    @model_validator(mode="after")
    def _is_exact(self) -> Self:
        if max(self.burst, self.amount) * self.window_ms // gcd(self.amount, self.window_ms) > _LARGEST:
            raise ValueError("amount and window are too large to be counted exactly")
        return self

    @property
    def window_ms(self) -> int:
        """The window in milliseconds."""
        return round(self.window * 1000)


class RateLimits(Section):
    """Limits on requests, tokens and concurrent requests; in Redis where `redis.enabled`, else in this process."""

    limits: list[RateLimit] = Field(default_factory=list)
    on_store_failure: Literal["fail_open", "fail_closed"] = "fail_open"
    """Without Redis: count in this process meanwhile, or refuse with 503."""
    lease: float = Field(default=30, ge=1, le=3600)
    """Seconds after which what a gateway that died held of a `concurrent` limit is free again."""

    @field_validator("limits")
    @classmethod
    def _have_names_of_their_own(cls, value: list[RateLimit]) -> list[RateLimit]:
        names = [limit.name for limit in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is the name of two")
        return value
