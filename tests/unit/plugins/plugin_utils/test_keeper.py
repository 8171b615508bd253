# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.plugin_utils import _controller
from ansible_collections.hx.gateway.plugins.plugin_utils._controller import Process, controller, run_of, who
from ansible_collections.hx.gateway.plugins.plugin_utils._keeper import LOST, Keeper, LockCommands


def shell(command: str) -> int:
    return subprocess.run(["sh", "-c", command], check=False).returncode


def wait_until(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Run:
    """A process that stands for a run, with the lock and its keeper."""

    def __init__(self, folder: Path) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(120)"], stderr=subprocess.PIPE, text=True
        )
        self.process = Process.of(self.program.pid)
        self.file = folder / "a lock"
        self.commands = LockCommands(str(self.file), run_of(self.process))
        self.file.write_text(f'{{"run": "{self.commands.run}"}}')
        self.keeper = Keeper(self.process, self.commands, shell, every=0.3).start()

    def end(self) -> None:
        self.program.kill()
        self.program.communicate()
        os.waitpid(self.keeper, 0)


@pytest.fixture
def run(tmp_path: Path) -> t.Iterator[Run]:
    started = Run(tmp_path)
    yield started
    if started.program.poll() is None:
        started.end()


def test_a_living_run_gives_signs_of_life_and_a_killed_one_gives_the_lock_back(run: Run) -> None:
    os.utime(run.file, (0, 0))
    wait_until(lambda: run.file.stat().st_mtime > 0)
    # Not waited for: a run whose parent does not care is over all the same.
    run.program.kill()
    wait_until(lambda: not run.file.exists())
    os.waitpid(run.keeper, 0)


def test_the_keeper_outlives_the_process_group_of_its_run(run: Run) -> None:
    assert os.getpgid(run.keeper) == run.keeper
    run.end()
    assert not run.file.exists()


def test_the_keeper_holds_no_file_of_its_run_open(run: Run) -> None:
    def opened() -> set[str]:
        names = [f"/proc/{run.keeper}/fd/{name}" for name in os.listdir(f"/proc/{run.keeper}/fd")]
        # It may be just looking at its run.
        return {file for file in map(os.path.realpath, names) if not file.startswith("/proc/")}

    assert opened() == {os.devnull}


def test_a_run_that_lost_its_lock_is_told_and_ended(run: Run) -> None:
    run.file.write_text('{"run": "another"}')
    _out, complaints = run.program.communicate(timeout=20)
    os.waitpid(run.keeper, 0)
    assert "has taken the lock" in complaints
    assert run.program.returncode == -signal.SIGTERM
    assert "another" in run.file.read_text()


def test_a_lock_that_is_gone_ends_no_run(run: Run) -> None:
    run.file.unlink()
    time.sleep(1)
    assert run.program.poll() is None
    run.end()
    assert not run.file.exists()


def test_a_host_that_does_not_answer_is_asked_again(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])

    def unreachable(_command: str) -> int:
        with log.open("a") as file:
            file.write("x")
        raise ConnectionError

    keeper = Keeper(Process.of(program.pid), LockCommands("/nowhere", "0"), unreachable, every=0.1).start()
    wait_until(lambda: log.exists() and len(log.read_text()) > 2)
    program.kill()
    program.wait()
    assert os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1]) == 0


def test_what_the_shell_is_told_touches_only_ones_own_lock(tmp_path: Path) -> None:
    file = tmp_path / "it's a lock"
    commands = LockCommands(str(file), "abc")
    assert shell(commands.renew) == 1
    assert shell(commands.release) == 0
    assert not file.exists()
    file.write_text('{"run": "def"}')
    os.utime(file, (0, 0))
    assert shell(commands.renew) == LOST
    shell(commands.release)
    assert file.stat().st_mtime == 0
    file.write_text('{"run": "abc"}')
    assert shell(commands.renew) == 0
    assert shell(commands.release) == 0
    assert not file.exists()


def test_processes_are_told_apart_and_their_end_is_seen() -> None:
    program = subprocess.Popen(["sleep", "60"])
    process = Process.of(program.pid)
    assert process.alive
    assert not replace(process, started="0").alive
    assert run_of(process) != run_of(replace(process, started="0")) != run_of(Process.of(os.getpid()))
    program.kill()
    wait_until(lambda: not process.alive)
    program.wait()
    assert not process.alive
    assert not Process.of(program.pid).alive


def test_the_controller_is_the_same_for_every_process_of_this_machine() -> None:
    asked = f"from {_controller.__name__} import controller; print(controller())"
    told = subprocess.run(
        [sys.executable, "-c", asked],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert told.stdout.strip() == controller()
    assert "@" in who()
