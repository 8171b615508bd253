"""A release that does not work is given up within 30 seconds, and no client notices."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from shlex import quote

import broken
import pytest
from checks.load import Load
from checks.site import play
from checks.stack import BASE, GATEWAY_UNIT, Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

ROOT = f"{BASE}/gateway"
NAME = "9.9.9-deadbeef"
FOLDER = f"{ROOT}/releases/{NAME}"
# The task that finds those that a trial does not.
AFTER_SWITCH = {
    "works only in its trial": "handover | Have the process that stands in answer",
    "works until it serves": "handover | Restart the gateway",
}
SAMPLE = [*AFTER_SWITCH, *random.sample([kind for kind in broken.KINDS if kind not in AFTER_SWITCH], 3)]


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The deployed stack."""
    return describe(host)


@pytest.fixture
def good(host: Host) -> Iterator[str]:
    """The release that serves; a copy of it is there to be broken."""
    name = host.check_output(f"basename $(readlink {ROOT}/current)")
    assert name != NAME
    host.check_output(
        f"rm -rf {FOLDER} && cp -a {ROOT}/releases/{name} {FOLDER} && rm -rf {FOLDER}/.kept"
        f" && sed -i '1s,/{name}/,/{NAME}/,' {FOLDER}/venv/bin/hx-gateway"
    )
    yield name
    host.check_output(f"rm -rf {FOLDER}")


def break_release(host: Host, kind: str) -> None:
    """Break the copy."""
    if kind in broken.COMMANDS:
        host.check_output(f"cd {FOLDER} && {broken.COMMANDS[kind]}")
    else:
        write_program(host, broken.PROGRAMS[kind])


def write_program(host: Host, text: str) -> None:
    """Let the copy's command be this program."""
    program = quote(f"#!{FOLDER}/venv/bin/python\n{text}")
    host.check_output(f"printf %s {program} >{FOLDER}/venv/bin/hx-gateway")


def tried_at(host: Host) -> float:
    """When the trial of a release began last."""
    lines = host.check_output("journalctl -u hx-gateway-ml-trial.service -o short-unix --no-pager | grep 'Starting '")
    return float(lines.splitlines()[-1].split()[0])


@pytest.mark.parametrize("kind", broken.KINDS if os.environ.get("FULL") == "1" else SAMPLE)
def test_a_release_that(host: Host, stack: Stack, good: str, kind: str) -> None:
    break_release(host, kind)
    before = host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}")
    with Load(stack.url, stack.master_key, rate=5) as load:
        run = play("--tags", "proxy", "-e", f"__proxy_release_name={NAME}")
        ended = time.time()
    said = " ".join(run.output.split())
    assert run.status != 0, run.output
    assert f"the release {good} and its files serve again." in said
    assert f'"{AFTER_SWITCH.get(kind, "trial |")}' in said.partition("Why, in ")[2]
    assert host.check_output(f"basename $(readlink {ROOT}/current)") == good
    took = ended - tried_at(host)
    print(f"{kind}: returned {took:.1f} s after its trial")
    assert took <= 30
    load.nobody_noticed()
    if kind not in AFTER_SWITCH:
        assert host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}") == before
    assert not host.file("/run/systemd/system/hx-gateway-ml-trial.service").exists
    assert not host.service("hx-gateway-ml-handover").is_running


def test_a_release_that_fails_the_one_real_call(host: Host, good: str) -> None:
    write_program(host, broken.FAILS_MODELS)
    run = play("--tags", "proxy", "-e", f"__proxy_release_name={NAME}", "-e", "hx_verify_model=openai-chat")
    ended = time.time()
    said = " ".join(run.output.split())
    assert run.status != 0, run.output
    assert f"the release {good} and its files serve again." in said
    why = said.partition("Why, in ")[2]
    assert why.startswith('"verify | Verify that a model answers": the service answered 500')
    assert host.check_output(f"basename $(readlink {ROOT}/current)") == good
    assert ended - tried_at(host) <= 30


def test_afterwards_nothing_is_left_to_do(host: Host) -> None:
    # As a run leaves it that is cut off between its start and its stop.
    host.check_output("systemctl start hx-gateway-ml-handover")
    first = play("--tags", "proxy", "-e", "hx_verify_model=openai-chat")
    assert first.status == 0, first.output
    assert not host.service("hx-gateway-ml-handover").is_running
    second = play("--tags", "proxy")
    assert (second.status, second.changed) == (0, 0), second.output
