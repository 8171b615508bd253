"""A new release of the gateway takes over while clients ask and streams are open, and none of them notices."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from checks.load import BETWEEN_MS, CHUNKS, Load
from checks.site import play
from checks.stack import BASE, GATEWAY_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

ROOT = f"{BASE}/gateway"
NAME = "9.9.9-00000000"


@pytest.fixture
def before(host: Host) -> Iterator[str]:
    """The release that serves; it does so again afterwards."""
    name = host.check_output(f"basename $(readlink {ROOT}/current)")
    yield name
    run = play("--tags", "proxy")
    assert run.status == 0, run.output
    assert host.check_output(f"basename $(readlink {ROOT}/current)") == name


def test_nobody_notices_a_new_release(host: Host, stack: Stack, key: str, before: str) -> None:
    pid = host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}")
    with Load(stack.url, key, rate=50, new_every=10, streams=5) as load:
        run = play("-e", json.dumps({"__proxy_release_name": NAME}))
    assert run.status == 0, run.output[-4000:]
    assert host.check_output(f"basename $(readlink {ROOT}/current)") == NAME != before
    assert host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}") != pid
    load.nobody_noticed()
    # A stream takes longer, and nobody who comes while one is open waits for its end.
    assert load.counts.slowest < CHUNKS * BETWEEN_MS / 1000 / 2
    assert not host.service("hx-gateway-ml-handover").is_running
