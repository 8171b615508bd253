# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.module_utils import _unit

RECORDED = Path(__file__).parent / "recorded"
VERSIONS = ["252", "257"]
NOW = datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
AGE = "2026-01-31T12:34:56.123456Z"
LATER = "2026-01-31T12:34:57.000000Z"
STATUS = Path(__file__).parents[4] / "proxy_src/src/hx_gateway/status.py"


def recorded(version: str, state: str) -> _unit.Unit:
    """Read what that systemd really wrote about a unit in that state."""
    sections = (RECORDED / f"systemd-{version}.txt").read_text(encoding="utf-8").split("### ")
    return _unit.parse_show(next(text for text in sections if text.startswith(f"{state}\n")))


def unit(active_state: str = "active", started_at: datetime | None = NOW) -> _unit.Unit:
    return _unit.Unit("loaded", active_state, "running", "success", 1, 0, False, (), started_at)


def place(path: Path, offset: float, *, link: str | None = None) -> str:
    """Make a file, or a link, that was changed that many seconds after the unit began."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if link is None:
        path.write_text("x", encoding="utf-8")
    else:
        path.symlink_to(link)
    changed = round((NOW + timedelta(seconds=offset)).timestamp() * 1_000_000) * 1000
    os.utime(path, ns=(changed, changed), follow_symlinks=False)
    return str(path)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_running_service(version: str) -> None:
    found = recorded(version, "running")
    assert (found.load_state, found.active_state, found.sub_state) == ("loaded", "active", "running")
    assert (found.result, found.restarts, found.need_daemon_reload) == ("success", 1, False)
    assert found.active
    assert found.main_pid > 1
    assert found.started_at is not None
    assert (found.started_at.year, found.started_at.tzinfo) == (2026, UTC)
    assert found.started_at.microsecond % 1000 != 0
    assert found.unit_files == (
        "/etc/systemd/system/recorded.service",
        "/etc/systemd/system/recorded.service.d/10 with space.conf",
        "/etc/systemd/system/recorded.service.d/20-b.conf",
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("state", "words", "active", "started"),
    [
        ("oneshot", ("loaded", "active", "exited", "success"), True, True),
        ("failed", ("loaded", "failed", "failed", "exit-code"), False, True),
        ("not-found", ("not-found", "inactive", "dead", "success"), False, False),
        ("target", ("loaded", "active", "active", ""), True, True),
        ("masked", ("masked", "inactive", "dead", "success"), False, False),
        ("changed", ("loaded", "active", "running", "success"), True, True),
        ("stopped", ("loaded", "inactive", "dead", "success"), False, False),
    ],
)
def test_other_states(version: str, state: str, words: tuple[str, ...], active: bool, started: bool) -> None:
    found = recorded(version, state)
    assert (found.load_state, found.active_state, found.sub_state, found.result) == words
    assert (found.active, found.started_at is not None) == (active, started)
    assert found.need_daemon_reload is (state == "changed")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_service_and_its_socket(version: str) -> None:
    service = recorded(version, "with a socket")
    assert service.sockets == ("recorded-listen.socket",)
    assert service.listen == ()
    assert service.status == f"Serving with the configuration of {AGE}; restart needed: metrics"
    socket = recorded(version, "socket")
    assert (socket.active, socket.status, socket.sockets) == (True, "", ())
    assert socket.listen == ("127.0.0.1:18010 (Stream)", "[::1]:18011 (Stream)")
    assert socket.started_at is not None
    assert socket.unit_files == ("/etc/systemd/system/recorded-listen.socket",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", _unit.Configuration()),
        ("Draining 3 requests", _unit.Configuration()),
        ("Serving", _unit.Configuration()),
        (f"Serving with the configuration of {AGE}", _unit.Configuration(AGE)),
        (
            f"Serving with the configuration of {AGE}; restart needed: listen.port, workers",
            _unit.Configuration(AGE, ("listen.port", "workers")),
        ),
        (
            f"Serving with the configuration of {AGE}; refused that of {LATER}: a.yml: b: wrong; restart needed: no",
            _unit.Configuration(AGE, (), LATER, "a.yml: b: wrong; restart needed: no"),
        ),
        (
            f"Serving with the configuration of {AGE}; restart needed: admin; refused: a.yml: cannot be read",
            _unit.Configuration(AGE, ("admin",), "", "a.yml: cannot be read"),
        ),
    ],
)
def test_the_status_line_of_the_gateway(text: str, expected: _unit.Configuration) -> None:
    assert _unit.parse_status(text) == expected


@pytest.mark.skipif(not STATUS.exists(), reason="a collection without the gateway's source")
def test_what_the_gateway_writes_is_what_is_read() -> None:
    spec = importlib.util.spec_from_file_location("hx_gateway_status", STATUS)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["hx_gateway_status"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    line = str(module.Status(AGE, ("metrics", "admin"), LATER, "gateway.yml: limits.body_max: wrong"))
    expected = _unit.Configuration(AGE, ("metrics", "admin"), LATER, "gateway.yml: limits.body_max: wrong")
    assert _unit.parse_status(line) == expected


def test_modification_times_are_in_the_form_of_the_status_line(tmp_path: Path) -> None:
    assert _unit.modified_at(place(tmp_path / "file", 0.000_001)) == "2026-01-31T12:00:00.500001Z"
    # A link is followed: what counts is the file that is read.
    assert _unit.modified_at(place(tmp_path / "link", 99, link="file")) == "2026-01-31T12:00:00.500001Z"
    assert _unit.modified_at(str(tmp_path / "absent")) is None
    assert _unit.modified_at(str(tmp_path / "file" / "child")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sat 2026-01-31 12:00:00.500000 UTC", NOW),
        ("2026-01-31 12:00:00.5 UTC", NOW),
        ("Sat 2026-01-31 12:00:00 UTC", NOW.replace(microsecond=0)),
        ("", None),
        ("n/a", None),
        ("0", None),
    ],
)
def test_timestamps(text: str, expected: datetime | None) -> None:
    assert _unit.parse_timestamp(text) == expected


@pytest.mark.parametrize("text", ["Sat 2026-01-31 12:00:00 CET", "@1769860800", "yesterday"])
def test_a_timestamp_in_an_unknown_form_is_an_error(text: str) -> None:
    with pytest.raises(_unit.UnitError, match="unknown form"):
        _unit.parse_timestamp(text)


def test_no_answer_is_an_error() -> None:
    with pytest.raises(_unit.UnitError, match="told nothing"):
        _unit.parse_show("")


def test_files_are_compared_at_microseconds(tmp_path: Path) -> None:
    older = place(tmp_path / "older", -0.000_001)
    same = place(tmp_path / "same", 0)
    newer = place(tmp_path / "newer", 0.000_001)
    found = _unit.compare_files(unit(), [older, same, newer, newer, str(tmp_path / "absent")])
    assert found == _unit.Freshness(newer_files=[newer], missing_files=[str(tmp_path / "absent")])


@pytest.mark.parametrize(
    ("active_state", "newer"),
    [("active", True), ("reloading", True), ("activating", True), ("inactive", False), ("failed", False)],
)
def test_only_an_active_unit_can_be_older_than_its_files(tmp_path: Path, active_state: str, newer: bool) -> None:
    path = place(tmp_path / "file", 1)
    assert (_unit.compare_files(unit(active_state), [path]).newer_files == [path]) is newer
    assert _unit.compare_files(unit(active_state, None), [path]).newer_files == []


def test_a_switched_link_counts_although_its_target_is_old(tmp_path: Path) -> None:
    place(tmp_path / "releases/1/app", -100)
    os.utime(tmp_path / "releases/1", (0, 0))
    current = place(tmp_path / "current", 5, link="releases/1")
    assert _unit.last_change(current) == NOW + timedelta(seconds=5)
    through = str(tmp_path / "current/app")
    assert _unit.compare_files(unit(), [current, through]).newer_files == [current, through]


def test_an_old_link_to_a_changed_file_counts(tmp_path: Path) -> None:
    place(tmp_path / "file", 5)
    relative = place(tmp_path / "relative", -100, link="file")
    absolute = place(tmp_path / "absolute", -100, link=str(tmp_path / "file"))
    upward = place(tmp_path / "deep/upward", -100, link="../relative")
    paths = [relative, absolute, upward]
    assert _unit.compare_files(unit(), paths).newer_files == paths


def test_an_old_file_behind_old_links_does_not_count(tmp_path: Path) -> None:
    place(tmp_path / "file", -1)
    link = place(tmp_path / "link", -2, link="./file")
    assert _unit.compare_files(unit(), [link, str(tmp_path / "." / "file")]).newer_files == []
    assert _unit.last_change(link) == NOW - timedelta(seconds=1)


def test_nothing_there(tmp_path: Path) -> None:
    dangling = place(tmp_path / "dangling", 5, link="gone")
    ring = place(tmp_path / "ring", 5, link="ring")
    below_a_file = place(tmp_path / "file", 5) + "/child"
    assert [_unit.last_change(path) for path in (dangling, ring, below_a_file)] == [None, None, None]
