# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_empty_folders
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module


def remove(*paths: Path, **arguments: t.Any) -> Outcome:
    return run_module(gateway_empty_folders.main, paths=[str(path) for path in paths], **arguments)


def test_what_is_empty_goes_up_to_what_is_not(tmp_path: Path) -> None:
    inner = tmp_path / "base/config/api-gateway"
    inner.mkdir(parents=True)
    notes = tmp_path / "notes.txt"
    notes.touch()
    done = remove(inner)
    assert documented_names(gateway_empty_folders) <= done.names
    assert done["removed"] == [str(path) for path in (inner, inner.parent, inner.parent.parent)]
    assert done["kept"] == {str(tmp_path): ["notes.txt"]}
    assert list(tmp_path.iterdir()) == [notes]
    assert not remove(inner)["changed"]


def test_check_mode_tells_the_same_and_removes_nothing(tmp_path: Path) -> None:
    inner = tmp_path / "base/config"
    inner.mkdir(parents=True)
    (tmp_path / "notes.txt").touch()
    told = remove(inner, _ansible_check_mode=True)
    assert told["removed"] == [str(inner), str(inner.parent)]
    assert inner.is_dir()


def test_a_link_to_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert not remove(link)["changed"]
    assert link.is_symlink()


def test_folders_that_debian_itself_makes_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_empty_folders, "_ALWAYS_THERE", (str(tmp_path),))
    (tmp_path / "opt/ours").mkdir(parents=True)
    assert remove(tmp_path / "opt/ours")["removed"] == [str(tmp_path / "opt/ours")]
    assert (tmp_path / "opt").is_dir()


def test_folders_of_packages_stay() -> None:
    assert not remove(Path("/etc/systemd/system"))["changed"]
