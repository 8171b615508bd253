"""What is measured, and where it is shown."""

from __future__ import annotations

import ipaddress

from pydantic import Field, field_validator

from hx_gateway.config.base import Section


class MetricsListen(Section):
    """Where Prometheus connects: never the port of the clients."""

    address: str = "127.0.0.1"
    port: int = Field(default=4011, ge=0, le=65535)
    """0 takes any free one, which the log then names."""

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            raise ValueError("must be an IP address") from None
        return value


class MetricsSection(Section):
    """GET /metrics in Prometheus' text format, on a listener of its own."""

    enabled: bool = False
    """Off, nothing is counted and no port is opened: two gateways on a machine would want the same."""
    listen: MetricsListen = MetricsListen()
    unix_socket: str = Field(default="", pattern=r"^(/[^\x00]{1,106})?$")
    """Path of a socket to listen on in place of an address."""
    models: list[str] = Field(default_factory=list)
    """Names of models that are labels of their own."""
    models_learned_max: int = Field(default=50, ge=0, le=10000)
    """How many more become labels once LiteLLM has served them; all others are `other`."""
