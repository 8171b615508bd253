"""Sessions of clients."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hx_gateway.config.base import Section


class Sessions(Section):
    """Requests that belong together: named by the client, or by the gateway in its first answer."""

    enabled: bool = False
    store: Literal["memory", "redis"] = "memory"
    """Where they are kept: in each process, or in the Redis of REDIS_URL, for all gateways."""
    ttl: float = Field(default=3600, gt=0, le=2592000)
    """Seconds without a request after which a session is forgotten."""
    issue: bool = True
    """Name a session for requests that bring none."""
    max_requests: int = Field(default=0, ge=0)
    """Requests of one session; more are refused with 429. 0: any number."""
    max_tokens: int = Field(default=0, ge=0)
    """Tokens after which further requests of a session are refused with 429. 0: any number."""
    memory_max: int = Field(default=100000, ge=1)
    """Sessions kept in memory."""
