"""The Redis server that several gateways share."""

from __future__ import annotations

from pydantic import Field

from hx_gateway.config.base import Section


class RedisSection(Section):
    """One connection a worker; its address with user and password is in the environment variable REDIS_URL."""

    enabled: bool = False
    timeout: float = Field(default=0.5, gt=0, le=60)
    """Seconds until a reply; when one is late, the connection counts as lost."""
    connect_timeout: float = Field(default=2, gt=0, le=60)
    """Seconds to connect and log in."""
    reconnect_delay_max: float = Field(default=2, gt=0, le=300)
    """Longest pause in seconds between two attempts to connect, which begin at 0.05 and double."""
