"""The disk is full when something is written: nothing is lost, the reason is named, the next run mends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from checks.site import play
from checks.small_disk import on_a_small_disk
from checks.stack import BASE, CONFIG
from client import Client
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

POSTGRESQL = "/var/lib/postgresql/15/main"
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "configuration of the gateway": (CONFIG, {"proxy_log_sample": 0.5}),
    "configuration of LiteLLM": (CONFIG, {"litellm_settings": {"request_timeout": 301}}),
    "release of the gateway": (f"{BASE}/gateway/releases", {"__proxy_release_name": "9.9.98-00000000"}),
    "units": ("/etc/systemd/system", {"proxy_watchdog": 31}),
    "record of what was written": ("/var/lib/hx-gateway", {"proxy_log_sample": 0.75}),
    "configuration of Redis": ("/etc/redis", {"redis_maxmemory": "301mb"}),
    "configuration of PostgreSQL": ("/etc/postgresql/15/main/conf.d", {"postgresql_work_mem": "7MB"}),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_run_that_cannot_write_leaves_what_serves(host: Host, client: Client, what: str) -> None:
    folder, changed = WRITES[what]
    arguments = ("-e", json.dumps(changed))
    with on_a_small_disk(host, folder) as disk:
        before = disk.names()
        disk.fill()
        run = play(*arguments)
        assert run.status != 0
        told = [line.strip() for line in run.output.splitlines() if "No space left" in line]
        assert told, run.output[-4000:]
        print(f"{what}: {told[-1][:200]}")
        assert {name for name in disk.names() - before if not name.startswith(f"{folder}/9.9.98")} == set()
        assert client.chat() == ""
        disk.free()
        after, again = play(*arguments), play(*arguments)
        assert after.status == 0, after.output
        assert (again.status, again.changed) == (0, 0), again.output
        client.wait_until_served(60)


def test_a_backup_that_finds_no_room_leaves_nothing(host: Host) -> None:
    made = play(playbook="playbooks/backup.yml")
    assert made.status == 0, made.output
    with on_a_small_disk(host, "/var/backups/hx-gateway") as disk:
        before = disk.names()
        disk.fill()
        run = play(playbook="playbooks/backup.yml")
        assert run.status != 0
        assert "has 0 MiB free" in run.output, run.output
        assert disk.names() == before
        disk.free()
        assert play(playbook="playbooks/backup.yml").status == 0


def test_postgresql_without_room_comes_back_with_what_it_had(
    host: Host, client: Client, query: Callable[..., list[str]]
) -> None:
    count = 'SELECT count(*) FROM "LiteLLM_SpendLogs"'
    host.check_output("systemctl stop postgresql@15-main")
    with on_a_small_disk(host, POSTGRESQL) as disk:
        host.check_output("systemctl start postgresql@15-main")
        client.wait_until_served(90)
        before = int(query(count)[0])
        disk.fill()
        # Rows enough to need another segment of the log, which there is no room for.
        filling = "CREATE TABLE filling AS SELECT n, repeat(%s, 500) AS text FROM generate_series(1, 200000) n"
        said = host.run("runuser -u postgres -- psql -d hx_gateway -c %s", filling.replace("%s", "'x'")).stderr
        print(said.strip()[:200])
        assert "No space left" in said or "terminat" in said or "closed" in said
        journal = host.check_output("tail -n 2000 /var/log/postgresql/postgresql-15-main.log")
        assert "No space left on device" in journal
        disk.free()
        client.wait_until_ready(120)
        client.wait_until_served(60)
        assert int(query(count)[0]) >= before
        host.check_output("systemctl stop postgresql@15-main")
    host.check_output("systemctl start postgresql@15-main")
    client.wait_until_ready(120)
    client.wait_until_served(60)
