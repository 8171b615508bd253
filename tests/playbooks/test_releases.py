# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases are built without showing a password, and those one may go back to stay; all on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import typing as t
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from ansible_collections.hx import gateway
from ansible_collections.hx.gateway.tests.support.run_playbook import run_playbook

PASSWORD = "password-of-the-proxy"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a release belongs to root")


def run(folder: Path, step: str, **variables: t.Any) -> str:
    """Run a step of role common, which must succeed; returns all that it says."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.import_role": {"name": "hx.gateway.common", "tasks_from": step}}],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    given = {"ansible_python_interpreter": sys.executable, **variables}
    where = Path(next(iter(gateway.__path__))).parents[2]
    local = ("-i", "localhost,", "-c", "local", "-vvvv")
    status, said = run_playbook(folder, "play.yml", given, *local, collections=where)
    assert status == 0, said
    return said


def wheel(folder: Path) -> Path:
    """Make a wheel that installs one empty module."""
    path = folder / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        file.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.dist-info/RECORD", "tiny.py,,\n")
    return path


@contextmanager
def command_lines() -> t.Iterator[set[bytes]]:
    """Collect the command lines of all processes meanwhile."""
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(path.read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def test_the_password_of_a_proxy_or_an_index_is_told_to_nobody(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.touch()
    with command_lines() as seen:
        said = run(
            tmp_path,
            "release",
            _common_release_root=str(tmp_path),
            _common_release_name="1",
            _common_release_lock=str(lock),
            _common_release_wheels=[str(wheel(tmp_path))],
            _common_release_python=sys.executable,
            _common_release_room=0,
            _common_release_pip_no_index=True,
            _common_release_pip_index_url=f"https://user:{PASSWORD}@index.invalid/simple",
            _common_release_pip_proxy=f"http://user:{PASSWORD}@127.0.0.1:9",
        )
    assert any(b"pip" in line and b"install" in line for line in seen)
    assert not [line for line in seen if PASSWORD.encode() in line]
    assert PASSWORD not in said
    release = tmp_path / "releases/1"
    assert list(release.glob("venv/lib/python3*/site-packages/tiny.py"))
    assert not [path for path in release.glob("*") if path.is_file() and PASSWORD in path.read_text()]
    assert not list(release.rglob("pip.conf"))


def test_the_hosts_own_settings_of_pip_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wheel(tmp_path)
    own = tmp_path / "home/.config/pip/pip.conf"
    own.parent.mkdir(parents=True)
    own.write_text(f"[global]\nno-index = true\nfind-links = {tmp_path}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    # What the environment says would come before any file.
    for name in [name for name in os.environ if name.startswith(("PIP_", "XDG_"))]:
        monkeypatch.delenv(name)
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"tiny==1 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n")
    run(
        tmp_path,
        "release",
        _common_release_root=str(tmp_path),
        _common_release_name="1",
        _common_release_lock=str(lock),
        _common_release_python=sys.executable,
        _common_release_room=0,
        _common_release_pip_proxy="http://127.0.0.1:9",
    )
    assert list((tmp_path / "releases/1").glob("venv/lib/python3*/site-packages/tiny.py"))


def test_what_served_last_stays_where_a_run_was_cut_off_after_its_switch(tmp_path: Path) -> None:
    for age, name in enumerate(("3", "2", "1", "0")):
        folder = tmp_path / "releases" / name
        folder.mkdir(parents=True)
        (folder / ".complete").write_text(name)
        os.utime(folder / ".complete", (1_700_000_000 - age, 1_700_000_000 - age))
    (tmp_path / "served").write_text("1\n")
    (tmp_path / "current").symlink_to("releases/2")
    run(
        tmp_path,
        "switch",
        _common_release_root=str(tmp_path),
        _common_release_name="3",
        _common_release_keep=2,
        _common_switch_notify=[],
    )
    assert (tmp_path / "current").readlink() == Path("releases/3")
    assert {path.name for path in (tmp_path / "releases").iterdir()} == {"3", "2", "1"}
