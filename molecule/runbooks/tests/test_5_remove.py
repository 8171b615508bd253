"""The stack is removed by its runbook."""

from __future__ import annotations

from collections.abc import Callable

from checks.stack import BASE, CONFIG
from site_operator import Operator
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]


def test_remove(host: Host, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    with operator.reads("remove") as page:
        page.block()
        assert not host.file(CONFIG).exists
        assert not host.socket("tcp://0.0.0.0:4010").is_listening
        # What the page promises of a removal without data.
        operator.play("playbooks/site.yml")
        works(key)
        page.section("Remove the stack")
    assert not host.file(BASE).exists
    assert not host.package("redis-server").is_installed
    assert len(list((operator.home / "hx-gateway-backups").rglob("database.dump"))) == 1
