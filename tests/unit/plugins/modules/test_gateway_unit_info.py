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


SERVING = "Serving with the configuration of "
AGE = "2026-01-31T12:40:00.000001Z"
NANOSECONDS = 1_769_863_200_000_001_999


def lines(properties: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())


class Systemctl:
    """Stands in for systemctl: writes what it was given and notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "systemctl"
        self.answer = folder / "answer"
        self.called = folder / "called"
        self.program.write_text(
            f'#!/bin/sh\n[ -e {self.answer} ] || {{ echo "Failed to connect to bus" >&2; exit 1; }}\n'
            f'printf "%s\\n" "$LC_ALL" "$@" >{self.called}\n'
            f'for unit; do case $unit in *.socket) cat "{folder}/$unit"; exit;; esac; done\ncat {self.answer}\n',
            encoding="utf-8",
        )
        self.program.chmod(0o755)

    def says(self, **properties: str) -> None:
        self.answer.write_text(lines(ACTIVE | properties), encoding="utf-8")

    def says_of_socket(self, name: str, **properties: str) -> None:
        about = {"LoadState": "loaded", "ActiveState": "active", "Listen": "0.0.0.0:4010 (Stream)"}
        about |= {"InactiveExitTimestamp": "Sat 2026-01-31 12:00:00.000000 UTC"}
        (self.program.parent / name).write_text(lines(about | properties), encoding="utf-8")


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
        "newer_files": [], "missing_files": [], "changed": False, "action": "none", "status": "", "restart_needed": [],
        "refused": "", "sockets": [],
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
    assert (outcome["stale"], outcome["action"]) == (True, "restart")
    assert outcome["newer_files"] == [str(configuration)]
    assert outcome["missing_files"] == ["/nowhere/at/all"]


def test_a_changed_unit_file_makes_it_stale(systemctl: Systemctl, tmp_path: Path) -> None:
    fragment = tmp_path / "u.service"
    fragment.touch()
    systemctl.says(FragmentPath=str(fragment))
    assert (ask(name="u")["stale"], ask(name="u")["newer_files"]) == (True, [str(fragment)])
    assert ask(name="u", unit_files=False)["stale"] is False


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    """A configuration that is younger than the process."""
    path = tmp_path / "gateway.yml"
    path.touch()
    os.utime(path, ns=(NANOSECONDS, NANOSECONDS))
    return str(path)


@pytest.mark.parametrize(
    ("status", "action", "refused"),
    [
        # It was reloaded after the file had changed, although the process is older.
        (SERVING + AGE, "none", ""),
        (SERVING + AGE + "; refused that of 2026-01-31T12:41:00.000000Z: wrong", "none", ""),
        (SERVING + AGE + "; restart needed: metrics, admin", "restart", ""),
        (SERVING + "2026-01-31T12:34:00.000000Z", "reload", ""),
        # The file was put back: another one is in force, although it is younger.
        (SERVING + "2026-01-31T12:59:00.000000Z", "reload", ""),
        (SERVING + "2026-01-31T12:34:00.000000Z; refused that of " + AGE + ": a: wrong", "reload", "a: wrong"),
        # What was refused is not what is there at present.
        (SERVING + "2026-01-31T12:34:00.000000Z; refused that of 2026-01-31T12:39:00.000000Z: wrong", "reload", ""),
        # A process that does not say what it runs with.
        ("", "restart", ""),
        ("Serving", "restart", ""),
    ],
)  # fmt: skip
def test_the_configuration_in_force(
    systemctl: Systemctl, configuration: str, status: str, action: str, refused: str
) -> None:
    systemctl.says(StatusText=status)
    outcome = ask(name="u", configuration=configuration)
    assert (outcome["action"], outcome["refused"], outcome["status"]) == (action, refused, status)
    assert outcome["stale"] is (action != "none")
    assert outcome["restart_needed"] == (["metrics", "admin"] if "restart needed" in status else [])
    assert outcome["newer_files"] == (
        [configuration] if action == "reload" or not status.endswith(("admin", "Z", "wrong")) else []
    )
    systemctl.says(StatusText=status, ActiveState="inactive")
    assert (ask(name="u", configuration=configuration)["action"], outcome["missing_files"]) == ("none", [])


def test_a_changed_file_needs_a_restart_whatever_the_configuration_needs(
    systemctl: Systemctl, configuration: str, tmp_path: Path
) -> None:
    (tmp_path / "gateway.env").touch()
    systemctl.says(StatusText=SERVING + "2026-01-31T12:34:00.000000Z")
    outcome = ask(name="u", configuration=configuration, files=[str(tmp_path / "gateway.env")])
    assert outcome["action"] == "restart"
    assert outcome["newer_files"] == [str(tmp_path / "gateway.env"), configuration]


def test_a_configuration_that_is_not_there(systemctl: Systemctl) -> None:
    systemctl.says(StatusText=SERVING + AGE)
    outcome = ask(name="u", configuration="/nowhere/at/all")
    assert (outcome["action"], outcome["missing_files"]) == ("none", ["/nowhere/at/all"])


def test_sockets_are_described(systemctl: Systemctl, tmp_path: Path) -> None:
    systemctl.says(TriggeredBy="u.socket u.timer")
    systemctl.says_of_socket("u.socket")
    socket = {"name": "u.socket", "active_state": "active", "listen": ["0.0.0.0:4010 (Stream)"], "stale": False}
    assert ask(name="u")["sockets"] == [socket]
    fragment = tmp_path / "changed"
    fragment.touch()
    for properties in ({"FragmentPath": str(fragment)}, {"NeedDaemonReload": "yes"}):
        systemctl.says_of_socket("u.socket", **properties)
        outcome = ask(name="u")
        assert outcome["sockets"] == [socket | {"stale": True}]
        assert outcome["action"] == "none"
        systemctl.says_of_socket("u.socket", **properties, ActiveState="inactive")
        assert ask(name="u")["sockets"] == [socket | {"active_state": "inactive"}]


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
    for wrong in ({"files": ["relative/file"]}, {"configuration": "relative/file"}):
        outcome = ask(name="u", **wrong)
        assert outcome.failed
        assert "absolute" in outcome["msg"]
