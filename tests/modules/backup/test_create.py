# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup is whole, root's alone, of one moment, and never more than are wanted."""

from __future__ import annotations

import fcntl
import json
import shutil
import tarfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.backup.conftest import SALT, Site


def folder(site: Site, name: str) -> Path:
    return Path(site.settings["directory"]) / name


def test_parts_and_manifest(site: Site) -> None:
    made = folder(site, site.do("create")["backup"])
    assert sorted(path.name for path in made.iterdir()) == ["configuration.tar", "database.dump", "manifest.json"]
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o600}
    text = (made / "manifest.json").read_text()
    assert SALT not in text
    manifest = json.loads(text)
    assert {name: table["rows"] for name, table in manifest["database"]["tables"].items()} == {
        "public.keys": 500,
        'public.Odd "Name': 1,
    }
    assert manifest["versions"]["postgresql"].split(".")[0].isdigit()
    with tarfile.open(made / "configuration.tar") as tar:
        assert f"{site.config}/gateway.yml".lstrip("/") in tar.getnames()


def test_a_database_in_use_is_saved_as_of_one_moment(site: Site) -> None:
    site.database.execute("INSERT INTO keys SELECT 'more ' || n FROM generate_series(1, 100000) n")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            site.database.execute(
                "INSERT INTO keys SELECT 'late ' || clock_timestamp()::text || n FROM generate_series(1, 50) n"
            )
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        name = site.do("create")["backup"]
    finally:
        stop.set()
        writer.join()
    assert site.database.execute("SELECT count(*) FROM keys")[0][0] > 100500
    assert site.do("drill", name)["tables"] == 2


def test_what_bounds_idle_sessions_does_not_end_a_long_dump(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
        site.database.execute(f"ALTER DATABASE {site.database.name} SET {setting} = '200ms'")
    slow = tmp_path / "bin/pg_dump"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\nsleep 1\nexec {shutil.which("pg_dump")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
    assert site.do("drill", site.do("create")["backup"])["tables"] == 2


def test_old_ones_go_and_unfinished_ones_are_removed(site: Site) -> None:
    directory = Path(site.settings["directory"])
    for name in ("20200101T000000Z", "20200102T000000Z", "20200103T000000Z", ".partial-20200104T000000Z"):
        (directory / name).mkdir(parents=True)
        (directory / name / "database.dump").touch()
    made = site.do("create")
    assert made["removed"] == ["20200101T000000Z"]
    assert site.do("list")["backups"] == ["20200102T000000Z", "20200103T000000Z", made["backup"]]
    assert not list(directory.glob(".partial-*"))


def test_those_without_a_database_push_out_none_that_has_one(site: Site) -> None:
    directory = Path(site.settings["directory"])
    for day in range(1, 4):
        (directory / f"2020010{day}T000000Z").mkdir(parents=True)
    (directory / "20200101T000000Z/database.dump").touch()
    (directory / "20200102T000000Z/database.dump.age").touch()
    (site.config / "gateway.env").write_text("")
    made = site.do("create", keep=1)
    assert made["removed"] == ["20200101T000000Z", "20200103T000000Z"]
    assert site.do("list")["backups"] == ["20200102T000000Z", made["backup"]]


def test_the_latest_is_the_newest_that_holds_a_database(site: Site) -> None:
    environment = site.config / "gateway.env"
    with_database = environment.read_text()
    environment.write_text("")
    first = site.do("create")["backup"]
    assert site.do("check", "latest")["backup"] == first
    environment.write_text(with_database)
    second = another(site)
    environment.write_text("")
    third = another(site)
    assert site.do("list")["backups"] == [first, second, third]
    environment.write_text(with_database)
    for command in ("check", "drill"):
        assert site.do(command, "latest")["backup"] == second


def another(site: Site) -> str:
    """Make a backup of another second than the last: its name is the time."""
    last = site.do("list")["backups"][-1]
    while datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") <= last:
        time.sleep(0.05)
    return str(site.do("create")["backup"])


def test_nothing_half_done_stays_where_the_dump_fails(site: Site) -> None:
    environment = site.config / "gateway.env"
    environment.write_text(environment.read_text().replace("/empty_", "/absent_"))
    assert "absent_" in site.refusal("create")
    assert site.do("list")["backups"] == []


def test_two_at_once_are_refused_by_name(site: Site) -> None:
    site.do("create")
    with open(Path(site.settings["directory"]) / ".lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "is being worked on by process" in site.refusal("create")


def test_settings_that_are_wrong_are_named(site: Site) -> None:
    assert "keep must be at least 1" in site.refusal("list", keep=0)
    assert "unknown key colour" in site.refusal("list", colour="red")
    assert "is no http URL" in site.refusal("list", gates=[{"url": "file:///etc/passwd", "expect": {}}])


def test_without_a_database_the_configuration_is_saved(site: Site) -> None:
    (site.config / "gateway.env").write_text("")
    name = site.do("create")["backup"]
    assert sorted(site.do("check", name)["parts"]) == ["configuration.tar"]
    assert site.do("drill", name)["tables"] == 0
