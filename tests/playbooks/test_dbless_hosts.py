# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two gateway hosts go to DB-less mode both, or neither; the roles and modules that do the work are stood in for."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.support.run_playbook import run_playbook

ROOT = Path(__file__).resolve().parents[2]
# Each says that it ran, on which host, and fails where it is told to.
STEPS = {
    "backup": ["main", "keep", "may_put_back", "put_back", "seal"],
    "litellm": ["keep", "reconfigure", "restart", "verify"],
    "proxy": ["keep", "reconfigure", "service", "verify"],
}
STEP = """\
- ansible.builtin.debug:
    msg: >-
      ran ROLE STEP HOST, database {{ ROLE_database_enabled | default(true) }},
      only {{ backup_configuration_only | default(false) }}
- ansible.builtin.fail:
    msg: "ROLE STEP broke"
  when: "'ROLE STEP ' ~ inventory_hostname in broken"
""".replace("HOST", "{{ inventory_hostname }}")
KEEP = """\
- ansible.builtin.set_fact:
    backup_without_database: "{{ inventory_hostname in without_database }}"
"""
MODULE = """\
from ansible.module_utils.basic import AnsibleModule
names = ("url", "api_key", "database", "wait", "timeout", "model")
names += ("login_host", "login_port", "login_db", "login_user", "login_password", "ssl_mode", "migrations_dir")
AnsibleModule({name: {"no_log": False} for name in names}).exit_json(
    ready=True, models=["a"], answered=False, status=400, reason="No connected db")
"""


class Controller:
    """Runs the playbook of ours with roles that only say that they ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours = folder / "ansible_collections/hx/gateway"
        for role, steps in STEPS.items():
            for step in steps:
                text = STEP.replace("ROLE", role).replace("STEP", step)
                self.write(ours / f"roles/{role}/tasks/{step}.yml", text + KEEP * (step == "keep" and role == "backup"))
        for module in ("litellm_health_info", "litellm_schema_info", "gateway_request_info"):
            self.write(ours / f"plugins/modules/{module}.py", MODULE)
        shutil.copytree(ROOT / "playbooks/tasks", folder / "playbooks/tasks")
        for playbook in ("rollback_database", "rollback_dbless"):
            shutil.copy(ROOT / f"playbooks/{playbook}.yml", folder / "playbooks")
        host = f"ansible_connection=local ansible_become=false ansible_python_interpreter={sys.executable}"
        self.write(folder / "hosts", f"[gateway]\none {host}\ntwo {host}\n")

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file in a folder that may not be there yet."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(
        self, broken: tuple[str, ...] = (), without_database: tuple[str, ...] = (), mode: str = "dbless"
    ) -> tuple[int, str]:
        """Return the status of a run, and what it said, without line breaks."""
        given = {"broken": broken, "without_database": without_database, "hx_master_key": "x"}
        given |= {"hx_database_address": "127.0.0.1", "hx_database_password": "y"}
        status, said = run_playbook(self.folder, f"playbooks/rollback_{mode}.yml", given, "-i", "hosts")
        return status, " ".join(said.split())


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    """A controller of its own."""
    return Controller(tmp_path)


def ran(said: str, host: str) -> list[str]:
    """Name the steps that a host went, and whether with a database, after it was made ready."""
    return re.findall(f"ran ((?:litellm|proxy|backup [ps])[a-z_ ]*) {host}, database (?:True|False)", said)


def test_both_go(controller: Controller) -> None:
    status, said = controller.run()
    assert status == 0, said
    assert "ran backup main one, database True, only False" in said
    assert "ran backup main two, database True, only True" in said
    for host in ("one", "two"):
        assert ran(said, host) == ["litellm reconfigure", "proxy reconfigure", "backup seal"]
        assert f"ran litellm reconfigure {host}, database False" in said


@pytest.mark.parametrize("step", ["litellm reconfigure two", "proxy reconfigure two", "backup seal two"])
def test_both_stay_where_one_fails(controller: Controller, step: str) -> None:
    status, said = controller.run(broken=(step,))
    assert status != 0
    back = ["backup put_back", "litellm restart", "proxy service", "litellm verify"]
    back += ["litellm keep", "proxy verify", "proxy keep"]
    for host in ("one", "two"):
        assert ran(said, host)[-len(back) :] == back
        assert f"ran litellm verify {host}, database True" in said
    assert said.count("DB-less mode was not reached; everything is as it was.") >= 2
    assert f"{step.removesuffix(' two')} broke" in said.partition("everything is as it was.")[2]
    assert "two did not get there." in said


def test_one_that_had_no_database_is_given_none(controller: Controller) -> None:
    status, said = controller.run(broken=("proxy reconfigure two",), without_database=("one",))
    assert status != 0
    assert "ran backup put_back one" not in said
    assert ran(said, "one")[-1] == "backup seal"
    assert "DB-less mode was not reached; there is no database, as before." in said
    assert ran(said, "two")[-1] == "proxy keep"


def test_a_way_back_that_fails_tells_both_reasons(controller: Controller) -> None:
    status, said = controller.run(broken=("proxy reconfigure two", "litellm verify one"))
    assert status != 0
    told = said.partition("DB-less mode was not reached, and going back failed, too.")[2]
    assert "two did not get there." in told
    assert "litellm verify broke" in told
    assert "proxy reconfigure broke" in said
    assert ran(said, "two")[-1] == "proxy keep"


def test_nothing_is_put_back_where_one_refuses(controller: Controller) -> None:
    status, said = controller.run(broken=("backup may_put_back two",), mode="database")
    assert status != 0
    assert "ran backup put_back" not in said

    status, said = controller.run(mode="database")
    assert status == 0, said
    for host in ("one", "two"):
        assert f"ran backup put_back {host}" in said
