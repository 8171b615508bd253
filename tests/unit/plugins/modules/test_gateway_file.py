# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_file, gateway_file_info
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

OWNER = Path("/proc/self").owner()
GROUP = Path("/proc/self").group()
CHECK = {"_ansible_check_mode": True}


class Host:
    """A folder of configuration, and the record beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "config"
        self.folder.mkdir()
        self.file = self.folder / "gateway.yml"
        self.state = folder / "state"

    def write(self, content: str, **arguments: t.Any) -> Outcome:
        given = {"path": str(self.file), "owner": OWNER, "group": GROUP, "mode": "0640", **arguments}
        return run_module(gateway_file.main, content=content, state_dir=str(self.state), **given)

    def info(self, *paths: Path) -> Outcome:
        asked = [str(path) for path in paths or (self.file,)]
        return run_module(gateway_file_info.main, paths=asked, state_dir=str(self.state))

    @property
    def copies(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.state / "replaced" / str(self.folder).lstrip("/"))): path.read_text()
            for path in sorted(self.state.rglob("gateway.yml.*"))
        }


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_file_is_written_once(host: Host) -> None:
    first = host.write("a: 1\n")
    assert documented_names(gateway_file) <= first.names
    assert (first["changed"], first["by_hand"], first["copy"]) == (True, False, "")
    assert (host.file.read_text(), stat.S_IMODE(host.file.stat().st_mode)) == ("a: 1\n", 0o640)
    written = host.file.stat()
    assert not host.write("a: 1\n")["changed"]
    assert host.file.stat() == written
    assert host.write("a: 2\n")["copy"] == ""
    assert host.copies == {}
    assert os.listdir(host.folder) == ["gateway.yml"]


def test_mode_alone_is_put_right_without_writing(host: Host) -> None:
    host.write("a: 1\n")
    before = host.file.stat()
    host.file.chmod(0o644)
    assert host.write("a: 1\n", **CHECK)["changed"]
    assert stat.S_IMODE(host.file.stat().st_mode) == 0o644
    assert host.write("a: 1\n")["changed"]
    after = host.file.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_ino, after.st_mtime) == (0o640, before.st_ino, before.st_mtime)


def test_what_was_there_before_is_kept_as_the_original(host: Host) -> None:
    host.file.write_text("of the distribution\n")
    outcome = host.write("a: 1\n")
    assert not outcome["by_hand"]
    assert host.copies == {"gateway.yml.original": "of the distribution\n"}
    assert outcome["copy"].endswith("/gateway.yml.original")


def test_what_somebody_changed_is_kept_and_named(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.write("a: 1\n")
    host.file.write_text("a: by hand\n")
    host.file.chmod(0o600)
    assert host.info()["by_hand"] == [str(host.file)]
    predicted = host.write("a: 2\n", **CHECK)
    assert (predicted["by_hand"], host.copies) == (True, {})
    outcome = host.write("a: 2\n")
    assert (outcome["changed"], outcome["by_hand"]) == (True, True)
    assert list(host.copies.values()) == ["a: by hand\n"]
    # A module warns in its result, or where Ansible's own display is loaded through that.
    warned = predicted.text + outcome.text + capsys.readouterr().err
    assert f"{host.file} was changed by hand; what was in it is kept as {outcome['copy']}" in warned
    assert stat.S_IMODE(Path(outcome["copy"]).stat().st_mode) == 0o600
    assert stat.S_IMODE(host.state.stat().st_mode) == 0o700
    assert host.info()["by_hand"] == []
    assert host.write("a: 3\n")["copy"] == ""


def test_what_somebody_changed_to_what_it_is_to_be_is_no_loss(host: Host) -> None:
    host.write("a: 1\n")
    host.file.write_text("a: 2\n")
    outcome = host.write("a: 2\n")
    assert (outcome["changed"], outcome["copy"], host.copies) == (False, "", {})
    assert host.info()["by_hand"] == []


def test_copies_do_not_pile_up_and_the_original_stays(host: Host) -> None:
    host.file.write_text("of the distribution\n")
    host.write("a: 1\n")
    replaced = host.state / "replaced" / str(host.folder).lstrip("/")
    for hour in range(10, 20):
        (replaced / f"gateway.yml.20260131T{hour}0000Z").touch()
    host.file.write_text("by hand\n")
    host.write("a: 2\n")
    kept = list(host.copies)
    assert len(kept) == 6
    assert kept[-1] == "gateway.yml.original"
    assert list(host.copies.values()).count("by hand\n") == 1


def test_what_is_refused_leaves_the_file_as_it_is(host: Host) -> None:
    host.write("good\n")
    host.file.write_text("by hand\n")
    before = host.file.stat()
    judge = ["sh", "-c", "echo $1 >&2; grep -q good $1 && echo line 1 is bad; grep -q '^good' $1", "judge", "%s"]
    for check in ({}, CHECK):
        outcome = host.write("no good\n", validate=judge, **check)
        assert outcome.failed
        assert f"{host.file} was left as it is" in outcome["msg"]
        assert "line 1 is bad" in outcome["msg"]
        assert ".part" not in outcome["msg"]
    assert (host.file.stat(), os.listdir(host.folder), host.copies) == (before, ["gateway.yml"], {})
    assert host.write("good again\n", validate=judge)["changed"]


def test_the_judge_sees_the_final_owner_and_mode_and_is_not_asked_in_vain(host: Host) -> None:
    asked = host.folder.parent / "asked"
    judge = ["sh", "-c", f"stat -c %a $1 >>{asked}", "judge", "%s"]
    host.write("a: 1\n", validate=judge)
    host.write("a: 1\n", validate=judge)
    host.write("a: 2\n", validate=judge, **CHECK)
    assert asked.read_text() == "640\n640\n"


def test_check_mode_does_without_a_judge_that_is_still_missing(host: Host) -> None:
    assert host.write("a: 1\n", validate=["/nowhere/judge", "%s"], **CHECK)["changed"]
    assert host.write("a: 1\n", validate=["/nowhere/judge", "%s"]).failed


def test_check_mode_leaves_no_trace(host: Host) -> None:
    before = host.folder.stat()
    assert host.write("a: 1\n", owner="nobody-yet", group="nobody-yet", **CHECK)["changed"]
    assert (host.folder.stat(), host.state.exists()) == (before, False)
    assert host.write("a: 1\n", path=str(host.folder / "none" / "file"), **CHECK)["changed"]
    assert "nobody-yet" in host.write("a: 1\n", owner="nobody-yet")["msg"]


def test_a_secret_is_shown_nowhere(host: Host) -> None:
    host.write("old-canary\n", secret=True)
    host.file.write_text("canary-by-hand\n")
    for content, arguments in (("new-canary\n", {"_ansible_diff": True}), ("other-canary\n", {"mode": "x"})):
        assert "canary" not in host.write(content, secret=True, **arguments).text


def test_what_is_not_secret_is_shown_in_the_diff(host: Host) -> None:
    host.write("a: 1\n")
    diff = host.write("a: 2\n", _ansible_diff=True)["diff"]
    assert (diff["before"], diff["after"], diff["after_header"]) == ("a: 1\n", "a: 2\n", str(host.file))


@pytest.mark.parametrize("place", ["file", "folder", "dangling"])
def test_a_link_is_refused_with_its_target(host: Host, place: str) -> None:
    target = host.folder.parent / "target"
    target.mkdir()
    (target / "gateway.yml").write_text("mine\n")
    host.folder.rmdir()
    link = host.folder
    if place != "folder":
        host.folder.mkdir()
        link = host.file
    pointed = {"file": target / "gateway.yml", "folder": target, "dangling": target / "none"}[place]
    link.symlink_to(pointed)
    told = host.info()
    assert documented_names(gateway_file_info) <= told.names
    assert told["links"] == [{"path": str(link), "target": str(pointed)}]
    assert told["reason"] == f"{link} is a link to {pointed}"
    outcome = host.write("a: 1\n")
    assert outcome.failed
    assert f"{link} is a link to {pointed}" in outcome["msg"]
    assert (target / "gateway.yml").read_text() == "mine\n"
    assert sorted(os.listdir(target)) == ["gateway.yml"]


def test_a_link_above_is_roots_alone_to_make(host: Host, tmp_path: Path) -> None:
    (tmp_path / "moved").symlink_to(tmp_path)
    path = tmp_path / "moved" / "config" / "gateway.yml"
    assert host.info(path)["links"] == (
        [] if os.geteuid() == 0 else [{"path": str(tmp_path / "moved"), "target": str(tmp_path)}]
    )
    tmp_path.chmod(0o777)
    assert host.info(path)["links"] == [{"path": str(tmp_path / "moved"), "target": str(tmp_path)}]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to another user")
def test_a_link_of_another_user_is_refused_wherever_it_is(host: Host, tmp_path: Path) -> None:
    (tmp_path / "moved").symlink_to(tmp_path)
    os.lchown(tmp_path / "moved", 65534, 65534)
    assert len(host.info(tmp_path / "moved" / "config" / "gateway.yml")["links"]) == 1


def test_any_link_in_a_folder_is_told(host: Host) -> None:
    (host.folder / "below").mkdir()
    link = host.folder / "below" / "link"
    link.symlink_to("/etc/shadow")
    folders = {"folders": [str(host.folder), str(host.folder / "none")], "state_dir": str(host.state)}
    told = run_module(gateway_file_info.main, paths=[], **folders)
    assert told["links"] == [{"path": str(link), "target": "/etc/shadow"}]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("NAME", "line 2 is no assignment"),
        ("1NAME=canary", "line 2 is no assignment"),
        ('NAME="canary', "line 2: the value of NAME does not end where its line does"),
        ('NAME="can"ary', "line 2: the value of NAME does not end where its line does"),
        ('NAME="canary\\"', "line 2: the value of NAME does not end where its line does"),
        ("NAME=can\0ary", "line 2: the value of NAME"),
        ('FIRST="canary"', "line 2: FIRST is there twice"),
    ],
)
def test_an_environment_file_that_systemd_would_misread_is_refused(host: Host, line: str, problem: str) -> None:
    outcome = host.write(f"FIRST=1\n{line}\n", format="environment", secret=True)
    assert outcome.failed
    assert f"{host.file} was left as it is: {problem}" in outcome["msg"]
    assert "canary" not in outcome.text
    assert not host.file.exists()


def test_an_environment_file_as_the_roles_write_it_is_accepted(host: Host) -> None:
    text = '# a comment\n\nURL="postgresql://a:b%40@c/d?x=1"\nQUOTED="a \\"b\\" \\\\ \\$c"\nPLAIN=a b\nEMPTY=\n'
    assert host.write(text, format="environment")["changed"]


def test_what_is_no_file_is_refused(host: Host) -> None:
    host.file.mkdir()
    assert "not a regular file" in host.write("a: 1\n")["msg"]
    assert "must be absolute" in host.write("a: 1\n", path="gateway.yml")["msg"]
    assert "must be absolute" in host.info(Path("gateway.yml"))["msg"]


def test_a_record_that_cannot_be_read_tells_nothing(host: Host) -> None:
    host.write("a: 1\n")
    (host.state / "written.json").write_text("{")
    assert host.info()["by_hand"] == []
    assert host.write("a: 2\n")["copy"].endswith(".original")
