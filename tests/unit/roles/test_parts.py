# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be written to its end leaves no part behind, and what was there before stays as it was."""

from __future__ import annotations

import importlib
import importlib.util
import io
import resource
import sys
import tarfile
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._kept_files import Content, KeptFiles, write

ROLES = Path(__file__).resolve().parents[3] / "roles"
ROOM = 64
"""Bytes a file may have: less than any of those below, so that each is cut within its first block."""


@contextmanager
def no_room(room: int = ROOM) -> Iterator[None]:
    """Have the kernel refuse what goes on beyond that, as it does when a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Or else what is imported meanwhile is cut in the cache that the next test imports it from.
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


@pytest.fixture
def backup(monkeypatch: pytest.MonkeyPatch) -> Iterator[t.Callable[[str], t.Any]]:
    """Modules of the program that makes backups."""
    monkeypatch.syspath_prepend(str(ROLES / "backup/files"))
    yield lambda name: importlib.import_module(f"hx_gateway_backup.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "hx_gateway_backup"]:
        del sys.modules[name]


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    folder = tmp_path / "configuration"
    folder.mkdir()
    (folder / "gateway.yml").write_bytes(b"as it was " * 1000)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_configuration_that_cannot_be_set_aside(backup: t.Any, configuration: Path) -> None:
    target = configuration.parent / "kept.tar"
    with no_room(), pytest.raises(OSError, match="too large"):
        backup("archive").pack([str(configuration)], target)
    assert names(configuration.parent) == ["configuration/gateway.yml"]


def test_what_is_there_already_is_not_removed(backup: t.Any, configuration: Path) -> None:
    target = configuration.parent / "kept.tar"
    target.write_text("somebody else's", encoding="utf-8")
    with pytest.raises(FileExistsError):
        backup("archive").pack([str(configuration)], target)
    assert target.read_text(encoding="utf-8") == "somebody else's"


def test_a_configuration_that_cannot_be_put_back(backup: t.Any, configuration: Path) -> None:
    target = configuration.parent / "kept.tar"
    backup("archive").pack([str(configuration)], target)
    file = configuration / "gateway.yml"
    file.write_text("as it is", encoding="utf-8")
    stream = io.BytesIO(target.read_bytes())
    with no_room(), pytest.raises(OSError, match="too large"):
        backup("archive").unpack(stream, [str(configuration)])
    assert names(configuration) == ["gateway.yml"]
    assert file.read_text(encoding="utf-8") == "as it is"
    assert tarfile.is_tarfile(target)


def test_a_note_that_cannot_be_written_keeps_the_one_before(backup: t.Any, tmp_path: Path) -> None:
    note = tmp_path / "kept.json"
    note.write_text("{}", encoding="utf-8")
    with no_room(), pytest.raises(OSError, match="too large"):
        backup("keeping")._write(note, {"sha256": "0" * 64, "before": "", "after": ""})
    assert names(tmp_path) == ["kept.json"]
    assert note.read_text(encoding="utf-8") == "{}"


def test_files_of_a_release_that_cannot_be_kept(tmp_path: Path) -> None:
    kept = KeptFiles(str(tmp_path / "kept"))
    kept.save({"/a": Content(b"as it was", 0o600, 0, 0)})
    before = kept.load()
    with no_room(), pytest.raises(OSError, match="too large"):
        kept.save({"/a": Content(b"x" * 1000, 0o600, 0, 0)})
    assert names(tmp_path) == ["kept/0", "kept/manifest.json"]
    assert kept.load() == before


def test_a_password_of_redis_that_cannot_be_kept(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("admin", ROLES / "redis/files/admin.py")
    assert spec is not None
    assert spec.loader is not None
    admin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(admin)
    # The password is as long as ROOM.
    with no_room(ROOM // 2), pytest.raises(OSError, match="too large"):
        admin.create(tmp_path / "admin.password")
    assert names(tmp_path) == []


def test_a_file_that_cannot_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    file.write_bytes(b"as it was")
    about = file.stat()
    with no_room(), pytest.raises(OSError, match="too large") as raised:
        write(str(file), Content(b"as it is to be " * 1000, 0o640, about.st_uid, about.st_gid))
    assert raised.value.filename == str(file)
    assert (names(tmp_path), file.read_bytes()) == (["gateway.yml"], b"as it was")
