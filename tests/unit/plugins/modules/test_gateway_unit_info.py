# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_unit_info
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

ACTIVE = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "MainPID": "4242",
    "NRestarts": "3",
    "NeedDaemonReload": "no",
    "FragmentPath": "",
    "DropInPaths": "",
    "ExecMainStartTimestamp": "Sat 2026-01-31 12:34:56.123456 UTC",
    "InactiveExitTimestamp": "Sat 2026-01-31 12:34:56.100000 UTC",
}


class Systemctl:
    """Stands in for systemctl: writes what it was given and notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "systemctl"
        self.answer = folder / "answer"
        self.called = folder / "called"
        self.program.write_text(
            f'#!/bin/sh\n[ -e {self.answer} ] || {{ echo "Failed to connect to bus" >&2; exit 1; }}\n'
            f'printf "%s\\n" "$LC_ALL" "$@" >{self.called}\ncat {self.answer}\n',
            encoding="utf-8",
        )
        self.program.chmod(0o755)

    def says(self, **properties: str) -> None:
        text = "".join(f"{name}={value}\n" for name, value in {**ACTIVE, **properties}.items())
        self.answer.write_text(text, encoding="utf-8")


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Systemctl(tmp_path)


def ask(**arguments: t.Any) -> Outcome:
    return run_module(gateway_unit_info.main, **arguments)


def test_an_active_unit(systemctl: Systemctl) -> None:
    systemctl.says()
    outcome = ask(name="hx-gateway-ml")
    assert outcome.data.items() >= {
        "stale": False, "load_state": "loaded", "active_state": "active", "sub_state": "running", "result": "success",
        "main_pid": 4242, "restarts": 3, "started_at": "2026-01-31T12:34:56.123456Z", "need_daemon_reload": False,
        "newer_files": [], "missing_files": [], "changed": False,
    }.items()  # fmt: skip
    assert outcome.names == documented_names(gateway_unit_info)
    called = systemctl.called.read_text(encoding="utf-8").splitlines()
    assert called[0] == "C"
    assert "--timestamp=us+utc" in called
    assert called[-2:] == ["--", "hx-gateway-ml"]


def test_a_newer_file_makes_it_stale(systemctl: Systemctl, tmp_path: Path) -> None:
    systemctl.says()
    configuration = tmp_path / "gateway.yml"
    configuration.touch()
    outcome = ask(name="u", files=[str(configuration), "/nowhere/at/all"])
    assert (outcome["stale"], outcome["newer_files"]) == (True, [str(configuration)])
    assert outcome["missing_files"] == ["/nowhere/at/all"]


def test_a_changed_unit_file_makes_it_stale(systemctl: Systemctl, tmp_path: Path) -> None:
    fragment = tmp_path / "u.service"
    fragment.touch()
    systemctl.says(FragmentPath=str(fragment))
    assert (ask(name="u")["stale"], ask(name="u")["newer_files"]) == (True, [str(fragment)])
    assert ask(name="u", unit_files=False)["stale"] is False


def test_a_pending_daemon_reload_makes_it_stale(systemctl: Systemctl) -> None:
    systemctl.says(NeedDaemonReload="yes")
    assert ask(name="u")["stale"] is True
    systemctl.says(NeedDaemonReload="yes", ActiveState="inactive")
    assert ask(name="u")["stale"] is False


def test_a_unit_that_does_not_exist(systemctl: Systemctl, tmp_path: Path) -> None:
    systemctl.says(
        LoadState="not-found", ActiveState="inactive", SubState="dead", MainPID="0", NRestarts="0",
        ExecMainStartTimestamp="", InactiveExitTimestamp="",
    )  # fmt: skip
    (tmp_path / "file").touch()
    outcome = ask(name="u", files=[str(tmp_path / "file")])
    assert (outcome.failed, outcome["stale"], outcome["newer_files"]) == (False, False, [])
    assert (outcome["load_state"], outcome["started_at"]) == ("not-found", "")


def test_systemd_that_does_not_answer_is_a_failure(systemctl: Systemctl) -> None:
    assert not systemctl.answer.exists()
    outcome = ask(name="u")
    assert outcome.failed
    assert "Failed to connect to bus" in outcome["msg"]


def test_an_answer_that_is_none_is_a_failure(systemctl: Systemctl) -> None:
    systemctl.answer.write_text("", encoding="utf-8")
    outcome = ask(name="u")
    assert outcome.failed
    assert "told nothing" in outcome["msg"]


@pytest.mark.parametrize("name", ["", "-H root@example.com", "a b", "hx-*", "a/b", "--all"])
def test_a_name_that_is_not_one_unit_is_refused(systemctl: Systemctl, name: str) -> None:
    systemctl.says()
    outcome = ask(name=name)
    assert outcome.failed
    assert "name of one unit" in outcome["msg"]


def test_a_relative_path_is_refused(systemctl: Systemctl) -> None:
    systemctl.says()
    outcome = ask(name="u", files=["relative/file"])
    assert outcome.failed
    assert "absolute" in outcome["msg"]
