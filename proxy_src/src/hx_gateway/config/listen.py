"""Where clients connect, and how the process lets them go."""

from __future__ import annotations

import ipaddress

from pydantic import Field, field_validator

from hx_gateway.config.base import Duration, Section


class Listen(Section):
    """Where clients connect."""

    address: str = "127.0.0.1"
    """IPv4 or IPv6 address of an interface; 0.0.0.0 for all of IPv4, :: for all of both."""
    port: int = Field(default=4010, ge=0, le=65535)
    """0 takes any free one, which the log then names."""
    keepalive_timeout: float = Field(default=75, gt=0, le=86400)
    """Seconds an idle client connection is kept."""
    backlog: int = Field(default=1024, ge=1, le=65535)
    """Connections that may wait to be accepted."""

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            raise ValueError("must be an IP address") from None
        return value


class Drain(Section):
    """What SIGTERM does."""

    timeout: Duration = 600
    """Seconds that requests in flight may take to finish; then they are cut. 0 cuts at once."""
    notice: float = Field(default=0.5, ge=0, le=60)
    """Seconds an idle connection is kept after SIGTERM, so that a client who uses it is told to close it."""
