# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.modules import gateway_release, gateway_release_info
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module


class Component:
    """A component's folder with releases in it, and one file of its service."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "gateway"
        self.file = folder / "gateway.yml"
        self.state = folder / "state"
        (self.root / "releases").mkdir(parents=True)

    def add(self, name: str, *, complete: bool = True) -> None:
        folder = self.root / "releases" / name
        folder.mkdir()
        if complete:
            (folder / ".complete").write_text(name, encoding="utf-8")

    def link(self, name: str) -> None:
        (self.root / "current").unlink(missing_ok=True)
        (self.root / "current").symlink_to(f"releases/{name}")

    def write(self, text: str, mode: int = 0o640) -> None:
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(mode)

    def run(self, **arguments: t.Any) -> Outcome:
        arguments = {"state_dir": str(self.state), "files": [str(self.file)], **arguments}
        return run_module(gateway_release.main, root=str(self.root), **arguments)

    def info(self) -> Outcome:
        return run_module(gateway_release_info.main, root=str(self.root))

    def serve(self, name: str, text: str) -> None:
        self.link(name)
        self.write(text)
        assert not self.run(state="kept").failed


@pytest.fixture
def component(tmp_path: Path) -> Component:
    made = Component(tmp_path)
    for name in ("1.0.0-aaaaaaaa", "1.1.0-bbbbbbbb"):
        made.add(name)
    made.add("1.2.0-cccccccc", complete=False)
    made.serve("1.0.0-aaaaaaaa", "old: 1\n")
    made.serve("1.1.0-bbbbbbbb", "new: 1\n")
    return made


def test_what_is_there_is_told(component: Component) -> None:
    outcome = component.info()
    assert outcome.names == documented_names(gateway_release_info)
    assert outcome["releases"] == [
        {"name": "1.0.0-aaaaaaaa", "complete": True, "kept": True},
        {"name": "1.1.0-bbbbbbbb", "complete": True, "kept": True},
        {"name": "1.2.0-cccccccc", "complete": False, "kept": False},
    ]
    assert [outcome[name] for name in ("current", "served", "previous")] == [
        "1.1.0-bbbbbbbb",
        "1.1.0-bbbbbbbb",
        "1.0.0-aaaaaaaa",
    ]


def test_a_folder_without_releases_is_an_answer(tmp_path: Path) -> None:
    outcome = run_module(gateway_release_info.main, root=str(tmp_path / "none"))
    assert (outcome["releases"], outcome["current"], outcome["served"], outcome["previous"]) == ([], "", "", "")


def test_previous_is_put_back_with_its_file(component: Component) -> None:
    outcome = component.run(release="previous")
    assert outcome["changed"]
    assert (outcome["release"], outcome["before"]) == ("1.0.0-aaaaaaaa", "1.1.0-bbbbbbbb")
    assert os.readlink(component.root / "current") == "releases/1.0.0-aaaaaaaa"
    assert component.file.read_text(encoding="utf-8") == "old: 1\n"
    assert outcome.names - {"diff"} == documented_names(gateway_release)
    assert not component.run(release="1.0.0-aaaaaaaa")["changed"]


def test_a_file_comes_back_with_mode_and_time(component: Component) -> None:
    before = component.file.stat()
    component.write("broken: 1\n", mode=0o600)
    outcome = component.run(release="served")
    after = component.file.stat()
    assert outcome["files"] == [str(component.file)]
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert component.file.read_text(encoding="utf-8") == "new: 1\n"


def test_a_file_that_was_not_there_is_removed(component: Component) -> None:
    component.file.unlink()
    assert component.run(state="kept")["changed"]
    component.write("more: 1\n")
    assert component.run(release="served")["files"] == [str(component.file)]
    assert not component.file.exists()


def test_a_release_that_failed_its_gate_is_not_served(component: Component) -> None:
    component.add("1.3.0-dddddddd")
    component.link("1.3.0-dddddddd")
    assert component.run(release="served")["release"] == "1.1.0-bbbbbbbb"
    assert component.info()["current"] == "1.1.0-bbbbbbbb"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("1.2.0-cccccccc", "is incomplete"),
        ("9.9.9", "there is no release 9.9.9"),
        ("../releases/1.0.0-aaaaaaaa", "there is no release ../"),
        ("", "there is no release"),
    ],
)
def test_what_cannot_be_gone_to_is_refused_by_what_there_is(component: Component, wanted: str, message: str) -> None:
    outcome = component.run(release=wanted)
    assert outcome.failed
    assert message in outcome["msg"]
    assert "Complete releases: 1.0.0-aaaaaaaa, 1.1.0-bbbbbbbb" in outcome["msg"]
    assert component.info()["current"] == "1.1.0-bbbbbbbb"


def test_a_version_is_enough_while_one_release_has_it(component: Component) -> None:
    assert component.run(release="1.0.0")["release"] == "1.0.0-aaaaaaaa"
    component.add("1.0.0-eeeeeeee")
    assert "several releases: 1.0.0-aaaaaaaa, 1.0.0-eeeeeeee" in component.run(release="1.0.0")["msg"]


def test_check_mode_predicts_and_changes_nothing(component: Component) -> None:
    outcome = component.run(release="previous", _ansible_check_mode=True)
    assert outcome["changed"]
    assert outcome["diff"]["after"] == {"release": "1.0.0-aaaaaaaa", "files": [str(component.file)]}
    assert component.info()["current"] == "1.1.0-bbbbbbbb"
    assert component.file.read_text(encoding="utf-8") == "new: 1\n"


def test_keeping_again_changes_nothing_and_shows_no_content(component: Component) -> None:
    assert not component.run(state="kept")["changed"]
    component.write("secret: hunter2\n")
    outcome = component.run(state="kept")
    assert outcome["changed"]
    assert "hunter2" not in outcome.text


def test_only_root_can_enter_what_is_kept(component: Component) -> None:
    folder = component.root / "releases" / "1.1.0-bbbbbbbb" / ".kept"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir() if path.name.isdecimal()} == {0}


def test_keeping_does_not_make_the_release_younger_than_its_process(component: Component) -> None:
    folder = component.root / "releases/1.1.0-bbbbbbbb"
    os.utime(folder, (1_700_000_000, 1_700_000_000))
    component.write("newer: 1\n")
    assert component.run(state="kept")["changed"]
    assert folder.stat().st_mtime == 1_700_000_000


def test_a_link_in_the_place_of_a_file_is_refused(component: Component, tmp_path: Path) -> None:
    component.file.unlink()
    component.file.symlink_to(tmp_path / "elsewhere")
    outcome = component.run(state="kept")
    assert outcome.failed
    assert str(component.file) in outcome["msg"]


def test_what_somebody_else_wrote_is_kept_and_named(component: Component, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where controller code is loaded as well, a module's warnings go there and not into its result.
    told: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: told.append(text))
    component.run(state="kept", written=True)
    component.write("by hand: 1\n")
    component.run(release="previous", _ansible_check_mode=True)
    assert "changed by hand" in told.pop()
    assert not (component.state / "replaced").exists()
    component.run(release="previous")
    (copy,) = (component.state / "replaced").rglob("gateway.yml.*")
    assert str(copy) in told.pop()
    assert (copy.read_text(), component.file.read_text()) == ("by hand: 1\n", "old: 1\n")
    component.run(release="1.1.0")
    assert told == []


def test_without_a_record_previous_is_the_one_completed_last(tmp_path: Path) -> None:
    component = Component(tmp_path)
    for age, name in enumerate(("1.0.0-aaaaaaaa", "1.1.0-bbbbbbbb", "1.2.0-cccccccc")):
        component.add(name)
        os.utime(component.root / "releases" / name / ".complete", (1000 + age, 1000 + age))
    component.link("1.2.0-cccccccc")
    assert component.info()["previous"] == "1.1.0-bbbbbbbb"
    assert component.info()["served"] == ""
    assert "there is no served release" in component.run(release="served")["msg"]


def test_what_is_put_back_counts_as_written_and_what_is_kept_only_where_it_was_restored(component: Component) -> None:
    record = component.state / "written.json"
    component.run(state="kept")
    assert not record.exists()
    component.run(release="previous")
    assert list(json.loads(record.read_text())) == [str(component.file)]
    before = record.read_text()
    component.write("restored: 1\n")
    component.run(state="kept")
    assert record.read_text() == before
    component.run(state="kept", written=True)
    assert record.read_text() != before
