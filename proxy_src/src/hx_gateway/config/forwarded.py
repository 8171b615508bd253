"""Which proxies in front of the gateway are believed."""

from __future__ import annotations

import ipaddress
from typing import Literal

from pydantic import Field, field_validator

from hx_gateway.config.base import Section


class Forwarding(Section):
    """What is believed of a request that came through another proxy."""

    trusted_proxies: list[str] = Field(default_factory=list)
    """Networks or addresses of proxies that say truly whom they forward for."""
    header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """Where they say it: the one header that each of them writes. The other may be the client's own."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError("must be networks, such as 10.0.0.0/8, without host bits") from None
        return value
