# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import gateway_lock
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, documented_names, run_module


def holder(run: str, controller: str = "here") -> dict[str, t.Any]:
    return {
        "run": run,
        "controller": controller,
        "pid": 4242,
        "started": "99",
        "who": f"{run}@{controller}",
        "playbook": "playbooks/site.yml",
    }


class Host:
    """The file of a lock, and runs that ask for it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "lock"

    def ask(self, run: str, controller: str = "here", **arguments: t.Any) -> Outcome:
        return run_module(gateway_lock.main, path=str(self.file), holder=holder(run, controller), **arguments)

    def age(self, seconds: float) -> None:
        then = time.time() - seconds
        os.utime(self.file, (then, then))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_the_first_takes_it_and_may_ask_again(host: Host) -> None:
    outcome = host.ask("first")
    assert outcome.names == documented_names(gateway_lock)
    assert (outcome["held"], outcome["before"], outcome["changed"]) == (True, {}, False)
    assert stat.S_IMODE(host.file.stat().st_mode) == 0o600
    since = outcome["holder"]["since"]
    host.age(30)
    again = host.ask("first")
    assert (again["held"], again["holder"]["since"]) == (True, since)
    assert time.time() - host.file.stat().st_mtime < 10


def test_the_second_is_told_who_has_it(host: Host) -> None:
    host.ask("first")
    host.age(3)
    before = host.file.read_bytes(), host.file.stat().st_mtime
    outcome = host.ask("second")
    assert not outcome["held"]
    told = outcome["holder"]
    assert (told["who"], told["playbook"], told["pid"]) == ("first@here", "playbooks/site.yml", 4242)
    assert told["since"].endswith(" UTC")
    assert 3 <= outcome["age"] < 13
    assert (host.file.read_bytes(), host.file.stat().st_mtime) == before


def test_a_run_that_is_known_to_be_dead_is_taken_over_and_no_other(host: Host) -> None:
    host.ask("first")
    assert not host.ask("second", over="another")["held"]
    outcome = host.ask("second", over="first")
    assert (outcome["held"], outcome["before"]["who"]) == (True, "first@here")
    assert not host.ask("third", over="first")["held"]


def test_force_takes_it_from_anybody(host: Host) -> None:
    host.ask("first")
    outcome = host.ask("second", force=True)
    assert (outcome["held"], outcome["before"]["run"]) == (True, "first")


def test_a_silent_run_of_another_controller_is_dead_after_the_lease(host: Host) -> None:
    host.ask("first", "there")
    host.age(30)
    began = time.monotonic()
    outcome = host.ask("second", lease=32)
    assert (outcome["held"], outcome["before"]["run"]) == (True, "first")
    assert 1 < time.monotonic() - began < 10


def test_a_living_run_of_another_controller_is_seen_before_the_lease_is_over(host: Host) -> None:
    host.ask("first", "there")
    sign = threading.Timer(1, host.file.touch)
    sign.start()
    began = time.monotonic()
    outcome = host.ask("second", lease=60)
    sign.join()
    assert not outcome["held"]
    assert time.monotonic() - began < 20


def test_a_clock_that_was_set_back_delays_for_one_lease_and_no_longer(host: Host) -> None:
    host.ask("first", "there")
    host.age(-3600)
    assert host.ask("second", lease=1)["held"]


def test_one_of_many_at_once_gets_it(host: Host) -> None:
    children = []
    for number in range(12):
        if (child := os.fork()) == 0:
            os._exit(0 if host.ask(f"run-{number}")["held"] else 1)
        children.append(child)
    held = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(held) == [0] + [1] * 11
    assert json.loads(host.file.read_text())["run"] == f"run-{held.index(0)}"


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "{}"])
def test_what_cannot_be_read_is_somebody_elses(host: Host, content: str) -> None:
    host.file.write_text(content)
    host.age(100)
    outcome = host.ask("second")
    assert (outcome["held"], outcome["before"]["who"]) == (True, "somebody")


def test_an_empty_file_is_a_free_lock(host: Host) -> None:
    host.file.touch()
    assert (host.ask("first")["held"], host.ask("second")["held"]) == (True, False)


def test_a_planted_link_is_refused_and_what_it_points_to_left_alone(host: Host, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    host.file.symlink_to(target)
    outcome = host.ask("first")
    assert outcome.failed
    assert str(host.file) in outcome["msg"]
    assert target.read_text() == "mine"


def test_check_mode_takes_nothing_and_is_not_hindered(host: Host) -> None:
    outcome = host.ask("first", _ansible_check_mode=True)
    assert (outcome["held"], outcome.failed, host.file.exists()) == (False, False, False)


def test_without_its_action_it_says_so(host: Host) -> None:
    outcome = run_module(gateway_lock.main, path=str(host.file))
    assert outcome.failed
    assert "holder" in outcome["msg"]
