"""Each host has its own role and nothing of the others."""

from __future__ import annotations

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://all"]

UNITS = {
    "hx-gateway-split-database": "postgresql.service",
    "hx-gateway-split-cache": "redis-server.service",
    "hx-gateway-split": "hx-litellm-gateway.service",
}


@pytest.mark.parametrize("owner", UNITS)
def test_a_unit_is_where_its_role_is_and_nowhere_else(host: Host, owner: str) -> None:
    active = host.check_output("systemctl list-units --no-legend --plain --state=active")
    assert (UNITS[owner] in active) is (host.check_output("hostname") == owner)
