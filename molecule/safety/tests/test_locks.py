"""One run at a time on a host: the second is refused, and a dead one hinders nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from checks.site import PLAYBOOK, PROJECT, Run, play
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

LOCK = "/run/hx-gateway.lock"
GOES_ON = "/run/hx-test-goes-on"
# The least that a run of the real playbook can do.
SHORT = ("--tags", "nothing")


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


class FirstRun:
    """A run in a process group of its own, as a shell starts it."""

    def __init__(self, host: Host, *arguments: str) -> None:
        self.host = host
        inventory = f"{os.environ['MOLECULE_SCENARIO_DIRECTORY']}/inventory"
        self.program = subprocess.Popen(
            [PLAYBOOK, "-i", inventory, "molecule/safety/tests/hold.yml", *arguments],
            cwd=PROJECT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        until(lambda: bool(host.file(GOES_ON).exists))

    @property
    def keepers(self) -> list[int]:
        """The processes that look after its lock: forks of it that outlive their parents."""
        line = f"{PLAYBOOK} -i"
        listed = subprocess.check_output(["ps", "-wweo", "pid,pgid,ppid,args"], text=True)
        found = [row.split(None, 3) for row in listed.splitlines()[1:]]
        return [
            int(pid)
            for pid, group, parent, command in found
            if line in command and "hold.yml" in command and pid == group and parent == "1"
        ]

    def end(self) -> Run:
        """Let it come to its end."""
        self.host.check_output(f"rm -rf {GOES_ON}")
        output, _none = self.program.communicate(timeout=60)
        return Run(self.program.returncode, output)


@pytest.fixture
def hold(host: Host) -> Iterator[Callable[..., FirstRun]]:
    started: list[FirstRun] = []

    def begin(*arguments: str) -> FirstRun:
        started.append(FirstRun(host, *arguments))
        return started[-1]

    yield begin
    host.check_output(f"rm -rf {GOES_ON}")
    for run in started:
        run.program.communicate(timeout=60)


@contextmanager
def foreign_run(host: Host, script: str) -> Iterator[None]:
    """A lock of a run on another controller, and what goes on beside it on the host."""
    record = {"run": "abc", "controller": "elsewhere", "pid": 7, "started": "1", "who": "bob@elsewhere"}
    record |= {"playbook": "playbooks/upgrade.yml", "since": "2026-01-31 09:30:00 UTC"}
    host.check_output("umask 077; printf %s %s >%s", "%s", json.dumps(record), LOCK)
    host.check_output(f"systemd-run --quiet --unit=hx-test-foreign sh -c '{script}'")
    try:
        yield
    finally:
        host.run(f"systemctl stop hx-test-foreign; rm -f {LOCK}")


def test_the_second_run_is_refused_by_name_and_the_first_goes_on(host: Host, hold: Callable[..., FirstRun]) -> None:
    first = hold()
    second = play()
    told = " ".join(second.output.split())
    assert second.status != 0
    assert second.changed == 0
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    since = json.loads(host.file(LOCK).content_string)["since"]
    assert f"hx-gateway-safety is locked: {user}@{os.uname().nodename} runs molecule/safety/tests/hold.yml" in told
    assert f"since {since} (process {first.program.pid}, last sign of life " in told
    run = first.end()
    assert run.status == 0, run.output
    until(lambda: not host.file(LOCK).exists, 5)


@pytest.mark.parametrize("playbook", ["resources.yml", "rollback.yml", "backup.yml", "restore.yml"])
def test_every_other_playbook_is_refused_as_well(hold: Callable[..., FirstRun], playbook: str) -> None:
    hold()
    second = play("-e", "restore_backup=latest", playbook=f"playbooks/{playbook}")
    assert second.status != 0
    assert "is locked" in second.output
    assert second.changed == 0


def test_check_mode_is_not_refused_and_takes_nothing(host: Host, hold: Callable[..., FirstRun]) -> None:
    hold()
    before = host.file(LOCK).content_string
    run = play(*SHORT, "--check")
    assert run.status == 0, run.output
    assert host.file(LOCK).content_string == before


def test_a_failed_run_leaves_no_lock(host: Host, hold: Callable[..., FirstRun]) -> None:
    run = hold("-e", '{"hold_fails": true}').end()
    assert run.status == 2, run.output
    until(lambda: not host.file(LOCK).exists, 5)


@pytest.mark.parametrize("victims", ["run", "group"])
def test_a_killed_run_gives_its_lock_back(host: Host, hold: Callable[..., FirstRun], victims: str) -> None:
    first = hold()
    (os.kill if victims == "run" else os.killpg)(first.program.pid, signal.SIGKILL)
    until(lambda: not host.file(LOCK).exists, 5)
    run = play(*SHORT)
    assert run.status == 0, run.output


def test_a_run_that_was_killed_with_its_keeper_is_known_to_be_dead(host: Host, hold: Callable[..., FirstRun]) -> None:
    first = hold()
    keepers = first.keepers
    assert len(keepers) == 1
    for pid in (*keepers, first.program.pid):
        os.kill(pid, signal.SIGKILL)
    assert host.file(LOCK).exists
    began = time.monotonic()
    run = play(*SHORT)
    assert run.status == 0, run.output
    assert time.monotonic() - began < 30
    assert "took over the lock of" in run.output
    assert "its process has ended" in run.output
    until(lambda: not host.file(LOCK).exists, 5)


def test_a_living_run_of_another_controller_is_respected(host: Host) -> None:
    with foreign_run(host, f"while sleep 10; do touch {LOCK}; done"):
        run = play(*SHORT)
        assert run.status != 0
        told = " ".join(run.output.split())
        assert "bob@elsewhere runs playbooks/upgrade.yml there since 2026-01-31 09:30:00 UTC" in told
        assert "bob@elsewhere" in host.file(LOCK).content_string


def test_a_silent_run_of_another_controller_is_taken_over(host: Host) -> None:
    with foreign_run(host, "sleep infinity"):
        host.check_output(f"touch -d '45 seconds ago' {LOCK}")
        run = play(*SHORT)
        assert run.status == 0, run.output
        assert "took over the lock of bob@elsewhere" in " ".join(run.output.split())


def test_a_broken_lock_ends_the_run_that_had_it(host: Host, hold: Callable[..., FirstRun]) -> None:
    first = hold()
    # Longer than it takes the first to see that it has lost its lock.
    second = FirstRun(host, "-e", "hx_lock_break=true")
    until(lambda: first.program.poll() is not None)
    output, _none = first.program.communicate()
    assert first.program.returncode == -signal.SIGTERM
    assert "Another run has taken the lock" in output
    run = second.end()
    assert run.status == 0, run.output
    assert "took over the lock" in run.output
