"""What an operator relies on in later runs: nothing changes, and only what changed restarts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from checks.site import play
from checks.stack import CONFIG, GATEWAY_UNIT, LITELLM_UNIT, Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

# A change of configuration needs no more of a run than this.
CHANGED_PARTS = "litellm_configure,litellm_run,proxy_configure,proxy_run"
UNITS = {LITELLM_UNIT, GATEWAY_UNIT, "postgresql@15-main.service", "redis-server.service"}


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The deployed stack."""
    return describe(host)


def processes(host: Host) -> dict[str, str]:
    """Each unit's main process and when it started: different after a restart."""
    return {
        unit: host.check_output(f"systemctl show -P MainPID -P ExecMainStartTimestampMonotonic {unit}")
        for unit in UNITS
    }


def test_second_run_changes_nothing(host: Host) -> None:
    before = processes(host)
    run = play()
    assert run.status == 0, run.output
    assert run.changed == 0, run.output
    assert processes(host) == before


def test_check_with_diff_shows_no_secret(stack: Stack) -> None:
    run = play("--check", "--diff", "-vv", "-e", json.dumps({"proxy_drain_timeout": 61, "litellm_cache_ttl": 601}))
    assert run.status == 0, run.output
    assert "drain" in run.output
    assert [form for form in stack.forms_of_secrets() if form in run.output] == []


def test_a_change_restarts_exactly_the_units_it_belongs_to(host: Host) -> None:
    steps: list[tuple[dict[str, Any], set[str]]] = [
        ({"proxy_drain_timeout": 59}, {GATEWAY_UNIT}),
        ({"litellm_cache_ttl": 599}, {LITELLM_UNIT}),
        ({"proxy_disable_admin_ui": False, "litellm_disable_admin_ui": False}, {GATEWAY_UNIT, LITELLM_UNIT}),
    ]
    variables: dict[str, Any] = {}
    for change, restarted in steps:
        variables |= change
        before = processes(host)
        run = play("--tags", CHANGED_PARTS, "-e", json.dumps(variables))
        assert run.status == 0, run.output
        after = processes(host)
        assert {unit for unit in UNITS if after[unit] != before[unit]} == restarted, change
    assert play("--tags", CHANGED_PARTS).status == 0


def test_what_an_ended_run_owed_is_made_up_for(host: Host) -> None:
    for file, restarted in ((f"/etc/systemd/system/{GATEWAY_UNIT}", {GATEWAY_UNIT}), (f"{CONFIG}/gateway.yml", set())):
        before = processes(host), host.check_output(f"systemctl show -P StatusText {GATEWAY_UNIT}")
        host.check_output(f"touch {file}")
        run = play("--tags", "proxy_run")
        assert run.status == 0, run.output
        after = processes(host)
        assert {unit for unit in UNITS if after[unit] != before[0][unit]} == restarted
        # The configuration is read again without a restart.
        reloaded = host.check_output(f"systemctl show -P StatusText {GATEWAY_UNIT}") != before[1]
        assert reloaded is (restarted == set())


def test_one_part_can_be_run_by_its_tag() -> None:
    run = play("--tags", "proxy_configure", "-e", json.dumps({"proxy_drain_timeout": 58}), "--check")
    assert run.status == 0, run.output
    assert run.changed > 0
    assert "hx.gateway.litellm : configure" not in run.output


def test_validate_reports_every_check() -> None:
    run = play(playbook="playbooks/validate.yml")
    assert run.status == 0, run.output
    for check in ("health", "model list", "chat", "embeddings", "spend log"):
        assert check in run.output
    refused = play("-e", "validate_chat_model=no-such-model", playbook="playbooks/validate.yml")
    assert refused.status != 0
    assert "chat (no-such-model): the service answered 400" in " ".join(refused.output.split())
