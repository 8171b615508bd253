"""A run killed at any task leaves somebody serving; the next run converges, the one after it changes nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import time

from checks.site import Run, play
from checks.stack import BASE, Stack
from client import Client
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

POINTS = 25
HANDOVER = ": handover | "
TASKS = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\]", re.MULTILINE)
SERVES_WITHIN = 60
"""Seconds. LiteLLM takes up to half of them for a restart."""


def deploy(number: int, *, end_at: int = 0) -> Run:
    """Deploy with other values in all that can be changed, and a release of the gateway that is not there yet."""
    changed = {
        "__proxy_release_name": f"9.9.{number}-00000000",
        "proxy_log_sample": 0.5 + number % 2 / 2,
        "litellm_settings": {"request_timeout": 300 + number % 2},
        "redis_maxmemory": f"{256 + number % 2}mb",
        "postgresql_max_connections": 100 + number % 2,
        "postgresql_work_mem": f"{4 + number % 2}MB",
    }
    return play("--diff", "-e", json.dumps(changed), end_at=str(end_at) if end_at else "")


def release(host: Host) -> str:
    return host.check_output(f"basename $(readlink {BASE}/gateway/current)")


def points(names: list[str]) -> list[int]:
    """Choose the tasks at whose beginning a run ends: all of them, or some evenly and those of the hand-over."""
    every = range(2, len(names) + 1)
    if os.environ.get("FULL"):
        return list(every)
    evenly = {every[len(every) * n // POINTS] for n in range(POINTS)}
    return sorted(evenly | {point for point in every if HANDOVER in names[point - 1]})


def test_a_run_may_end_at_any_task(host: Host, stack: Stack, client: Client) -> None:
    whole = deploy(0)
    assert whole.status == 0, whole.output[-4000:]
    names = TASKS.findall(whole.output)
    failures = []
    for number, point in enumerate(points(names), start=1):
        began, before = time.monotonic(), release(host)
        cut = deploy(number, end_at=point)
        assert cut.status == -signal.SIGKILL
        away = client.wait_until_served(SERVES_WITHIN)
        serving = release(host)
        after, again = deploy(number), deploy(number)
        client.wait_until_served(SERVES_WITHIN)
        leaks = [
            run for run in (cut, after, again) if [form for form in stack.forms_of_secrets() if form in run.output]
        ]
        wrong = [
            f"{what}: {told}"
            for what, right, told in (
                ("served by neither", serving in {before, f"9.9.{number}-00000000"}, serving),
                ("the next run failed", after.status == 0, after.output[-3000:]),
                (
                    "the one after it failed or changed something",
                    (again.status, again.changed) == (0, 0),
                    changes(again),
                ),
                ("a secret was told", not leaks, ""),
            )
            if not right
        ]
        print(
            f"ended at task {point} of {len(names)}, {names[point - 1]}: served after {away:.1f} s by {serving},"
            f" {after.changed} changes to converge, {again.changed} after that, {time.monotonic() - began:.0f} s"
            + "".join(f"\n  {one}" for one in wrong),
            flush=True,
        )
        failures += [(point, one) for one in wrong]
    assert failures == []


def changes(run: Run) -> str:
    """Name the tasks that changed something, or what failed."""
    told = re.split(r"^(?:TASK|RUNNING HANDLER) \[", run.output, flags=re.MULTILINE)
    return "; ".join(part.partition("]")[0] for part in told if "\nchanged:" in part) or run.output[-3000:]
