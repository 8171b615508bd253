"""The database, Redis or the room on a disk is lost, and the runbook brings everything back."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from checks.small_disk import on_a_small_disk
from checks.stack import BASE, Stack
from looks import BACKUPS, backups, current, lose_keys
from site_operator import CHECKOUT, Operator
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

FETCHED = CHECKOUT.parent / "fetched"
CLUSTER = "postgresql@15-main.service"


def readiness(stack: Stack) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def test_database_loss(host: Host, stack: Stack, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    with operator.reads("database-loss") as page:
        host.check_output(f"systemctl stop {CLUSTER}")
        assert "down" in page.block()
        page.section("The server is down, its data is there")
        works(key)

        operator.play("playbooks/backup.yml", f"-e backup_fetch_dir={FETCHED}")
        fetched = max(FETCHED.glob("*/*"))
        host.check_output("systemctl stop hx-litellm-gateway")
        host.check_output(f"systemctl stop {CLUSTER} && rm -rf /var/lib/postgresql/15/main")
        status, said = operator.run("ansible-playbook -i inventories/production --ask-vault-pass playbooks/site.yml")
        assert status != 0
        assert "holds no database cluster" in said
        page.block(VERSION="15")
        page.block()
        page.block()
        works(key)

        # As if the host were a new one.
        host.check_output(f"rm -rf {BACKUPS}/* && systemctl stop hx-litellm-gateway")
        lose_keys(host)
        page.block(FETCHED=str(FETCHED), SITE=fetched.parent.name, TIME=fetched.name)
        works(key)
        page.section("The data is gone")
    assert readiness(stack)["ready"]


def test_redis_loss(host: Host, stack: Stack, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    host.check_output("systemctl stop redis-server")
    with operator.reads("redis-loss") as page:
        said = page.section("See")
        assert "ActiveState=inactive" in said
        works(key)
        page.section("Bring it back")
    assert host.service("redis-server").is_running
    assert readiness(stack)["ready"]
    works(key)


def test_disk_full(host: Host, stack: Stack, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    releases = set(host.file(f"{BASE}/litellm/releases").listdir())
    served = host.file(f"{BASE}/litellm/served").content_string.split()
    # Neither the one that serves nor the one before it.
    (dispensable,) = releases - set(served[:2])
    operator.play("playbooks/backup.yml")
    oldest = backups(host)[0]
    operator.change_gateway("1.0.2")
    with on_a_small_disk(host, "/opt") as disk, operator.reads("disk-full") as page:
        disk.fill()
        status, said = operator.run("ansible-playbook -i inventories/production --ask-vault-pass playbooks/site.yml")
        assert status != 0
        assert "No space left" in said
        works(key)
        assert "100%" in page.section("Where the room went")
        page.block()
        assert dispensable in page.block(RELEASE=dispensable)
        page.section("Make room", TIME=oldest)
        page.section("Afterwards")
        assert current(host, "gateway").startswith("1.0.2-")
        works(key)
    assert oldest not in backups(host)
    works(key)
    assert readiness(stack)["ready"]
