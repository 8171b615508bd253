"""Without a database nothing of one is installed, started or named."""

from __future__ import annotations

from checks.stack import CONFIG, LITELLM_UNIT, MIGRATE_UNIT
from testinfra.host import Host

testinfra_hosts = ["ansible://all"]


def test_no_file_names_a_database(host: Host) -> None:
    assert host.run(f"grep -rE 'DATABASE_URL|store_model_in_db' {CONFIG}").rc == 1


def test_no_server_and_no_migration(host: Host) -> None:
    assert not host.package("postgresql").is_installed
    assert not host.file(f"/etc/systemd/system/{MIGRATE_UNIT}").exists


def test_litellm_may_not_make_memory_executable(host: Host) -> None:
    assert host.service(LITELLM_UNIT).systemd_properties["MemoryDenyWriteExecute"] == "yes"
