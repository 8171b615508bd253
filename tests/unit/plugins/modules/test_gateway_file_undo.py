# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_file, gateway_file_undo
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module

OWNER = Path("/proc/self").owner()
GROUP = Path("/proc/self").group()
CHECK = {"_ansible_check_mode": True}


class Host:
    """A folder of configuration, and the record beside it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "config" / "redis.conf"
        self.file.parent.mkdir()
        self.state = folder / "state"

    def write(self, content: str) -> Outcome:
        given = {"path": str(self.file), "owner": OWNER, "group": GROUP, "mode": "0640", "content": content}
        return run_module(gateway_file.main, state_dir=str(self.state), **given)

    def undo(self, **arguments: t.Any) -> Outcome:
        return run_module(gateway_file_undo.main, paths=[str(self.file)], state_dir=str(self.state), **arguments)

    @property
    def copies(self) -> list[Path]:
        return sorted(self.state.rglob("redis.conf.*"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_was_written_goes_once(host: Host) -> None:
    host.write("a: 1\n")
    undone = host.undo()
    assert documented_names(gateway_file_undo) <= undone.names
    assert (undone["changed"], undone["removed"], undone["restored"]) == (True, [str(host.file)], [])
    assert os.listdir(host.file.parent) == []
    assert not host.undo()["changed"]


def test_the_record_is_told_of_until_it_is_taken_away(host: Host) -> None:
    assert not host.undo()["recorded"]
    host.write("a: 1\n")
    assert host.undo(**CHECK)["recorded"]
    assert host.undo()["recorded"]
    assert host.undo()["recorded"]
    (host.state / "written.json").unlink()
    assert not host.undo()["recorded"]


def test_an_original_comes_back_and_stays_at_the_next_run(host: Host) -> None:
    host.file.write_text("theirs\n")
    host.file.chmod(0o604)
    host.write("ours\n")
    host.file.write_text("by hand\n")
    host.write("ours again\n")
    assert len(host.copies) == 2

    assert host.undo()["restored"] == [str(host.file)]
    assert (host.file.read_text(), stat.S_IMODE(host.file.stat().st_mode)) == ("theirs\n", 0o604)
    assert host.copies == []
    assert not host.undo()["changed"]
    assert host.file.read_text() == "theirs\n"


def test_check_mode_tells_and_changes_nothing(host: Host) -> None:
    host.file.write_text("theirs\n")
    host.write("ours\n")
    told = host.undo(**CHECK)
    assert (told["changed"], told["restored"]) == (True, [str(host.file)])
    assert told["diff"]["after"] == f"restored {host.file}\n"
    assert host.file.read_text() == "ours\n"
    assert len(host.copies) == 1


def test_what_was_changed_by_hand_is_named(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.write("ours\n")
    host.file.write_text("by hand\n")
    told = host.undo(**CHECK)
    assert told["by_hand"] == [str(host.file)]
    # A module warns in its result, or where Ansible's own display is loaded through that.
    assert f"{host.file} was changed by hand" in told.text + capsys.readouterr().err


def test_a_file_the_roles_did_not_write_stays(host: Host) -> None:
    host.file.write_text("theirs\n")
    assert not host.undo()["changed"]
    assert host.file.read_text() == "theirs\n"


def test_a_planted_link_is_refused(host: Host, tmp_path: Path) -> None:
    host.write("ours\n")
    host.file.unlink()
    host.file.symlink_to(tmp_path / "elsewhere")
    assert "is a link to" in host.undo()["msg"]
    assert host.file.is_symlink()
