"""What is wrong is refused, what was changed by hand is kept, and no planted link is followed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from checks.site import Run, play
from checks.stack import CONFIG, GATEWAY_UNIT, LITELLM_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

POSTGRESQL = "/etc/postgresql/15/main"
UNITS = (GATEWAY_UNIT, LITELLM_UNIT, "postgresql@15-main.service", "redis-server.service")
PLACES = f"/etc/redis {POSTGRESQL} /etc/systemd/system {CONFIG}"
CONFIGURE = "redis_configure,postgresql_configure,litellm_configure,proxy_configure"


def said(run: Run) -> str:
    """What a run printed, without the breaks of its lines."""
    return " ".join(run.output.split())


def state(host: Host) -> tuple[str, ...]:
    """Every file of the configuration with its content and times, and which processes serve."""
    files = host.check_output(
        f"find {PLACES} -printf '%p %y %m %u:%g %l ' \\( -type d -o -printf %T@ \\) -printf '\\n' | sort"
    )
    contents = host.check_output(f"find {PLACES} -type f -print0 | sort -z | xargs -0 sha256sum")
    return files, contents, *(host.check_output(f"systemctl show -P MainPID {unit}") for unit in UNITS)


@pytest.mark.parametrize(
    ("tags", "variables", "file", "names"),
    [
        ("redis_configure", {"redis_settings": {"no-such-setting": "1"}}, "/etc/redis/redis.conf", "no-such-setting 1"),
        ("redis_configure", {"redis_settings": {"hz": "often"}}, "/etc/redis/redis.conf", "hz often"),
        ("redis_configure", {"redis_commands": ["+nosuchcommand"]}, "/etc/redis/users.acl", "+nosuchcommand"),
        (
            "postgresql_configure",
            {"postgresql_settings": {"no_such_setting": 1}},
            f"{POSTGRESQL}/conf.d/hx-gateway.conf",
            "no_such_setting",
        ),
        (
            "postgresql_configure",
            {"postgresql_shared_buffers": "1kB"},
            f"{POSTGRESQL}/conf.d/hx-gateway-start.conf",
            "shared_buffers",
        ),
        (
            "postgresql_configure",
            {"postgresql_allowed_addresses": ["192.0.2.1/99"]},
            f"{POSTGRESQL}/pg_hba.conf",
            "192.0.2.1/99",
        ),
        (
            "litellm_configure",
            {"litellm_settings": {"callbacks": ["no_such_module.handler"]}},
            f"{CONFIG}/litellm.yaml",
            "no_such_module",
        ),
        (
            "litellm_configure",
            {"litellm_router_settings": {"routing_strategy": "by-the-moon"}},
            f"{CONFIG}/litellm.yaml",
            "by-the-moon",
        ),
        (
            "litellm_configure",
            {"litellm_environment": {"STANDIN_API_KEY": "any", "TWO_LINES": "a\nb"}},
            f"{CONFIG}/litellm.env",
            "the value of TWO_LINES",
        ),
        (
            "proxy_configure",
            {"proxy_middlewares_disabled": ["no_such_part"]},
            f"{CONFIG}/gateway.yml",
            "middlewares.disable[0]",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_value_is_refused_and_what_serves_goes_on(
    host: Host, stack: Stack, tags: str, variables: dict[str, Any], file: str, names: str
) -> None:
    before = state(host)
    run = play("--tags", tags, "-e", json.dumps(variables))
    assert run.status != 0, run.output
    assert f"{file} was left as it is" in said(run)
    assert names in said(run)
    assert [form for form in stack.forms_of_secrets() if form in run.output] == []
    assert state(host) == before


def test_a_wrong_value_is_refused_in_check_mode_as_well(host: Host) -> None:
    before = state(host)
    run = play("--check", "--tags", "redis_configure", "-e", json.dumps({"redis_settings": {"hz": "often"}}))
    assert run.status != 0, run.output
    assert "hz often" in said(run)
    assert state(host) == before


def test_a_unit_that_systemd_cannot_read_is_refused(host: Host) -> None:
    variables = {"backup_timer_enabled": True, "backup_timer_calendar": "every now and then"}
    run = play("-e", json.dumps(variables), playbook="playbooks/backup.yml")
    assert run.status != 0, run.output
    assert "/etc/systemd/system/hx-gateway-backup.timer was left as it is" in said(run)
    assert "every now and then" in said(run)
    assert not host.file("/etc/systemd/system/hx-gateway-backup.timer").exists
    host.check_output("rm -f /etc/systemd/system/hx-gateway-backup.service && systemctl daemon-reload")


def test_what_was_changed_by_hand_is_kept_and_named(host: Host, stack: Stack) -> None:
    edited = [
        f"{CONFIG}/gateway.yml",
        f"{CONFIG}/gateway.env",
        f"{CONFIG}/litellm.yaml",
        f"{POSTGRESQL}/conf.d/hx-gateway.conf",
        "/etc/redis/redis.conf",
        f"/etc/systemd/system/{GATEWAY_UNIT}",
    ]
    before = {file: host.check_output(f"sha256sum <{file}; stat -c '%a %U:%G' {file}") for file in edited}
    for file in edited:
        host.check_output(f"echo '# by hand' >>{file}")
    predicted = play("--tags", CONFIGURE, "--check", "--diff")
    assert predicted.status == 0, predicted.output
    run = play("--tags", CONFIGURE, "--diff")
    assert run.status == 0, run.output
    for output in (said(predicted), said(run)):
        assert [file for file in edited if f"{file} was changed by hand" not in output] == []
        assert [form for form in stack.forms_of_secrets() if form in output] == []
    copies = re.findall(r"what was in it is kept as (\S+Z)", said(run))
    assert len(set(copies)) == len(edited)
    for copy in copies:
        assert host.check_output(f"tail -n 1 {copy}") == "# by hand"
    assert host.check_output("stat -c %a /var/lib/hx-gateway") == "700"
    assert {file: host.check_output(f"sha256sum <{file}; stat -c '%a %U:%G' {file}") for file in edited} == before
    again = play("--tags", CONFIGURE)
    assert (again.status, again.changed) == (0, 0), again.output
    assert "by hand" not in again.output


@contextmanager
def planted(host: Host, path: str, target: str) -> Iterator[None]:
    """Have a link in the place of a path."""
    host.run(f"mv {path} {path}.moved")
    host.check_output(f"ln -s {target} {path}")
    try:
        yield
    finally:
        host.check_output(f"rm {path}")
        host.run(f"mv {path}.moved {path}")


@pytest.mark.parametrize(
    "path",
    [
        CONFIG,
        f"{CONFIG}/litellm.env",
        f"{CONFIG}/anything",
        f"/etc/systemd/system/{GATEWAY_UNIT}",
        "/etc/systemd/system/hx-litellm-migrate.service",
        "/etc/redis/users.acl",
        f"{POSTGRESQL}/conf.d",
        f"{POSTGRESQL}/conf.d/hx-gateway.conf",
    ],
)
def test_a_planted_link_is_refused_before_anything_is_changed(host: Host, path: str) -> None:
    target = "/srv/of-somebody"
    host.check_output(f"mkdir -p {target}")
    changes = {"redis_maxmemory": "300mb", "postgresql_work_mem": "8MB", "litellm_cache_ttl": 601}
    with planted(host, path, target):
        before = state(host)
        run = play("-e", json.dumps(changes))
        assert run.status != 0, run.output
        assert f"{path} is a link to {target}" in said(run)
        assert run.changed == 0
        assert state(host) == before
    assert host.check_output(f"ls -A {shlex.quote(target)}") == ""
