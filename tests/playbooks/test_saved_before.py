# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playbook drops or restores is what it has saved itself; the roles that do the work are stood in for."""

from __future__ import annotations

import json
import shutil
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.support.run_playbook import run_playbook

ROOT = Path(__file__).resolve().parents[2]
MADE = "20260101T000000Z"
# Each says that it ran.
STEPS = {
    "backup": ["main", "remove", "access", "drill", "restore"],
    "common": ["remove"],
    "litellm": ["preflight", "remove", "migration_settled"],
    "postgresql": ["owned", "remove"],
    "proxy": ["remove"],
    "redis": ["remove"],
}
STEP = """\
- ansible.builtin.debug:
    msg: "ran ROLE STEP, backup {{ backup_name | default('-') }}, saved {{ postgresql_saved | default('-') }}"
"""
MODULE = """\
from ansible.module_utils.basic import AnsibleModule
names = ("url", "database", "wait", "timeout")
AnsibleModule({name: {} for name in names}).exit_json(ready=READY, reason="it hangs")
"""
FAILS_AFTER_THE_MIGRATION = """\
- ansible.builtin.set_fact:
    litellm_migrated: true
- ansible.builtin.fail:
"""


@dataclass
class Controller:
    """Runs a playbook of ours with roles that only say that they ran."""

    folder: Path

    def __post_init__(self) -> None:
        for role, steps in STEPS.items():
            for step in steps:
                self.write(f"{self.role(role)}/tasks/{step}.yml", STEP.replace("ROLE", role).replace("STEP", step))
        self.has("hx_gateway")
        self.migrated_before("")
        # Ours, which names what it made.
        for file in ("create", "fetch", "fetch_part"):
            shutil.copy(ROOT / f"roles/backup/tasks/{file}.yml", self.folder / self.role("backup") / "tasks")
        variables = {
            "__backup_command": [str(self.folder / "program")],
            "backup_fetch_dir": "",
            "backup_site": "localhost",
            "backup_secure_logging": True,
            "__backup_stage": "",
            "__backup_staged": False,
        }
        self.write(f"{self.role('backup')}/vars/main.yml", json.dumps(variables))
        self.write(
            f"{self.role('litellm')}/defaults/main.yml",
            json.dumps({"litellm_base_dir": str(self.folder), "litellm_database_enabled": True}),
        )
        self.serves(ready=True)
        for name in ("lock", "rolling"):
            self.write(f"playbooks/{name}.yml", "[{hosts: localhost, gather_facts: false}]")
        self.write("playbooks/tasks/rolling.yml", FAILS_AFTER_THE_MIGRATION)
        self.write("playbooks/tasks/rolling_back.yml", STEP.replace("ROLE STEP", "rolling back"))
        for name in ("remove_fetch", "remove_save", "upgrade_back"):
            shutil.copy(ROOT / f"playbooks/tasks/{name}.yml", self.folder / "playbooks/tasks")
        self.makes("configuration.tar", "database.dump.age")
        host = "localhost ansible_connection=local ansible_become=false ansible_python_interpreter=" + sys.executable
        self.write("hosts", "\n".join(f"[{group}]\n{host}" for group in ("database", "cache", "gateway")))
        self.write("hosts_without_a_database", f"[database]\n[cache]\n{host}\n[gateway]\n{host}")
        self.env("DATABASE_URL=x\n")
        self.write("config/api-gateway/litellm.env", "LITELLM_SALT_KEY=x\n")
        self.unit.touch()

    @property
    def unit(self) -> Path:
        """LiteLLM's unit, which is there until it is stopped on all hosts."""
        return self.folder / "unit"

    @property
    def mark(self) -> Path:
        """What a run leaves that has saved the database."""
        return self.folder / "removal.json"

    @staticmethod
    def role(name: str) -> str:
        """Say where a role is."""
        return f"ansible_collections/hx/gateway/roles/{name}"

    def write(self, name: str, text: str) -> None:
        """Write a file below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def env(self, text: str) -> None:
        """Say what the services' environment is."""
        self.write("config/api-gateway/gateway.env", text)

    def serves(self, *, ready: bool) -> None:
        """Say whether the LiteLLM of before does."""
        answer = MODULE.replace("READY", str(ready))
        self.write("ansible_collections/hx/gateway/plugins/modules/litellm_health_info.py", answer)

    def has(self, *databases: str) -> None:
        """Say which databases the server has."""
        answer = [{"ansible.builtin.set_fact": {"postgresql_data_there": databases}}]
        self.write(f"{self.role('postgresql')}/tasks/owned.yml", json.dumps(answer))

    def migrated_before(self, backup: str) -> None:
        """Leave the backup of an upgrade that was cut off."""
        answer = [{"ansible.builtin.set_fact": {"litellm_migration_left": backup}}]
        self.write(f"{self.role('litellm')}/tasks/migration_begun.yml", json.dumps(answer))

    def was_cut_off(self, *, saved: bool = True) -> None:
        """Leave what a removal does that is cut off before the database is dropped; its backup is told from others."""
        self.unit.unlink()
        (self.folder / "config/api-gateway/litellm.env").unlink()
        if saved:
            made = {"backup": "before", "folder": str(self.folder / "before"), "parts": ["database.dump"]}
            self.mark.write_text(json.dumps(made), encoding="utf-8")
            for part in ("database.dump", "manifest.json"):
                self.write(f"before/{part}", "")

    def makes(self, *parts: str) -> None:
        """Say what a backup consists of."""
        made = json.dumps({"backup": MADE, "folder": str(self.folder), "parts": parts})
        self.write("program", f"#!/bin/sh\necho '{made}'\n")
        (self.folder / "program").chmod(0o755)

    def run(self, playbook: str, *, external: bool = False, **variables: t.Any) -> tuple[int, str]:
        """Return the status of a run, and what it said, without line breaks."""
        shutil.copy(ROOT / "playbooks" / playbook, self.folder / "playbooks")
        hosts = "hosts_without_a_database" if external else "hosts"
        given = {
            "backup_base_dir": str(self.folder),
            "hx_database_address": "127.0.0.1",
            "upgrade_disk": 0,
            "remove_litellm_unit": str(self.unit),
            "remove_mark": str(self.mark),
        } | variables
        status, said = run_playbook(self.folder, f"playbooks/{playbook}", given, "-i", hosts)
        return status, " ".join(said.split())


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    """A controller of its own."""
    return Controller(tmp_path)


def test_a_database_that_is_in_the_backup_may_be_dropped(controller: Controller) -> None:
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status == 0, said
    assert f"ran backup drill, backup {MADE}" in said
    assert "ran postgresql remove, backup -, saved True" in said
    assert json.loads(controller.mark.read_text(encoding="utf-8"))["backup"] == MADE


@pytest.mark.parametrize("databases", [["hx_gateway"], []])
def test_a_removal_that_was_cut_off_goes_on_with_its_backup(controller: Controller, databases: list[str]) -> None:
    controller.was_cut_off()
    controller.has(*databases)
    fetched = controller.folder / "fetched"
    status, said = controller.run(
        "remove.yml", remove_confirmed=True, remove_data=True, remove_backups=True, backup_fetch_dir=str(fetched)
    )
    assert status == 0, said
    assert "ran backup main" not in said
    assert "ran postgresql remove, backup -, saved True" in said
    assert {path.name for path in fetched.glob("*/before/*")} == {"database.dump", "manifest.json"}

    # As `remove_backups` has it.
    shutil.rmtree(controller.folder / "before")
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True, backup_fetch_dir=str(fetched))
    assert status == 0, said
    assert "saved True" in said


def test_a_backup_is_made_again_where_litellm_may_have_written_since(controller: Controller) -> None:
    controller.was_cut_off()
    controller.unit.touch()
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status != 0
    assert "its salt is gone" in said
    assert not controller.mark.exists()

    controller.write("config/api-gateway/litellm.env", "")
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status == 0, said
    assert json.loads(controller.mark.read_text(encoding="utf-8"))["backup"] == MADE


def test_a_database_whose_backup_is_lost_stays(controller: Controller) -> None:
    controller.was_cut_off()
    shutil.rmtree(controller.folder / "before")
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status != 0
    assert "made the backup before, which is neither in" in said
    assert "ran " not in said


def test_without_a_database_there_is_nothing_to_save(controller: Controller) -> None:
    controller.was_cut_off(saved=False)
    controller.has()
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status == 0, said
    assert "ran backup main" not in said
    assert "ran postgresql remove, backup -, saved False" in said

    status, said = controller.run(
        "remove.yml", remove_confirmed=True, remove_data=True, remove_backups=True, backup_fetch_dir="/nowhere"
    )
    assert status != 0
    assert "remove_backups would take the last" in said
    assert "ran " not in said


@pytest.mark.parametrize("data", [False, True])
def test_backups_that_a_removal_has_left_go_when_the_last_is_fetched(controller: Controller, data: bool) -> None:
    controller.has()
    shutil.rmtree(controller.folder / "config")
    controller.unit.unlink()
    # The latest is of DB-less mode.
    for made, part in (("20250101T000000Z", "database.dump"), (MADE, "database.dump"), ("2027", "configuration.tar")):
        controller.write(f"backups/{made}/manifest.json", json.dumps({"id": made, "parts": {part: {}}}))
        controller.write(f"backups/{made}/{part}", made)
    status, said = controller.run(
        "remove.yml",
        remove_confirmed=True,
        remove_data=data,
        remove_backups=True,
        backup_dir=str(controller.folder / "backups"),
        backup_fetch_dir=str(controller.folder / "fetched"),
    )
    assert status == 0, said
    assert [path.name for path in controller.folder.glob("fetched/*/*")] == [MADE]
    fetched = controller.folder / f"fetched/localhost/{MADE}"
    assert (fetched / "database.dump").read_text(encoding="utf-8") == MADE
    assert "ran backup remove" in said


def test_in_dbless_mode_data_is_not_removed(controller: Controller) -> None:
    controller.env("# DATABASE_URL=x\nREDIS_URL=y\n")
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status != 0
    assert "rollback_mode=database" in said
    assert "Nothing was removed." in said
    assert "ran " not in said

    status, said = controller.run("remove.yml", remove_confirmed=True)
    assert status == 0, said
    assert "saved False" in said


def test_a_backup_that_holds_no_dump_saves_no_database(controller: Controller) -> None:
    controller.makes("configuration.tar")
    _, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    # Which the role refuses then.
    assert "ran postgresql remove, backup -, saved False" in said


def test_a_database_that_can_be_saved_no_more_is_not_removed(controller: Controller) -> None:
    (controller.folder / "config/api-gateway/gateway.env").unlink()
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status != 0
    assert "The database hx_gateway is there" in said
    assert "Nothing was removed." in said
    assert "ran " not in said

    controller.has()
    status, said = controller.run("remove.yml", remove_confirmed=True, remove_data=True)
    assert status == 0, said


def test_a_database_on_no_host_of_ours_is_saved(controller: Controller) -> None:
    status, said = controller.run("remove.yml", external=True, remove_confirmed=True, remove_data=True)
    assert status == 0, said
    assert f"ran backup drill, backup {MADE}" in said


def test_an_upgrade_returns_to_the_backup_of_its_own_run(controller: Controller) -> None:
    status, said = controller.run("upgrade.yml")
    assert status != 0
    restored, _, back = said.partition(f"ran backup restore, backup {MADE}")
    assert restored
    assert "ran rolling back" in back
    assert "ran litellm migration_settled" in back
    assert "A run before this one was cut off" not in said


@pytest.mark.parametrize("there", [False, True])
def test_what_an_upgrade_had_migrated_that_was_cut_off_is_named(controller: Controller, there: bool) -> None:
    before = "20250101T000000Z"
    controller.migrated_before(before)
    if there:
        controller.write(f"backups/{before}/manifest.json", "")
    status, said = controller.run("upgrade.yml", backup_dir=str(controller.folder / "backups"))
    assert status != 0
    assert f"ran backup restore, backup {MADE}" in said
    assert f"A run before this one was cut off and may have migrated it. That run has made the backup {before}" in said
    assert (f"playbooks/restore.yml -e restore_backup={before} restores" in said) is there
    assert ("is not on this host any more" in said) is not there
    assert "migration_settled" not in said


def test_an_upgrade_says_where_nothing_of_before_serves(controller: Controller) -> None:
    controller.serves(ready=False)
    status, said = controller.run("upgrade.yml")
    assert status != 0
    assert "The LiteLLM of before is not ready either (it hangs), with the database as this run has found it" in said


def test_an_upgrade_from_dbless_mode_is_refused(controller: Controller) -> None:
    controller.env("# DATABASE_URL=x\nREDIS_URL=y\n")
    status, said = controller.run("upgrade.yml")
    assert status != 0
    assert "rollback_mode=database first. Nothing was changed." in said
    assert "ran backup" not in said


def test_an_upgrade_without_a_dump_does_not_begin(controller: Controller) -> None:
    controller.makes("configuration.tar")
    status, said = controller.run("upgrade.yml")
    assert status != 0
    assert f"The backup {MADE} holds no dump of the database." in said
    assert "The upgrade failed" not in said


@pytest.mark.parametrize("there", [False, True])
def test_an_upgrade_looks_for_the_key_of_its_backup(controller: Controller, there: bool) -> None:
    key = controller.folder / "key"
    if there:
        key.touch()
    status, said = controller.run("upgrade.yml", backup_recipients=["age1x"], backup_identity_file=str(key))
    assert status != 0
    assert (f"has no file {key} (backup_identity_file). Nothing was changed." in said) is not there
    assert ("ran backup restore" in said) is there
