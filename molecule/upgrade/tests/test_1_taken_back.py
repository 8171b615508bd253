"""An upgrade of LiteLLM that fails, or is cut off, is taken back with its database."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from checks.site import play
from checks.stack import CONFIG, LITELLM_UNIT, Stack
from testinfra.host import Host
from upgrading import administrator, migrations, release, upgrade

testinfra_hosts = ["ansible://gateway"]

# Names the backup that a migration is taken back with.
MARK = "/var/lib/hx-gateway/migration.json"


def serves(stack: Stack, key: str) -> bool:
    """Whether the gateway answers a virtual key with what LiteLLM says."""
    request = urllib.request.Request(f"{stack.url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bool(answer.status == 200)


def test_what_could_not_be_taken_back_is_refused(host: Host) -> None:
    refusals = {
        "{upgrade_disk: 99999999}": "upgrade_disk",
        "{backup_recipients: [age1x]}": "backup_identity_file",
        "{backup_recipients: [age1x], backup_identity_file: /absent}": "has no file /absent",
    }
    for argument, named in refusals.items():
        run = upgrade("-e", argument)
        assert run.status != 0
        said = " ".join(run.output.split())
        assert named in said
        assert "Nothing was changed." in said
    assert release(host) == "1.104.0"


def test_an_upgrade_that_fails_is_taken_back_with_its_database(
    host: Host, stack: Stack, key: str, digests: Callable[[], dict[str, str]]
) -> None:
    before, applied = digests(), migrations(host)
    # A gate that nothing can pass, after the migration.
    run = upgrade("-e", '{"litellm_health_timeout": 1}')
    said = " ".join(run.output.split())
    assert run.status != 0
    assert "The LiteLLM of before serves, with the database as this run has found it" in said
    assert release(host) == "1.104.0"
    assert migrations(host) == applied
    assert digests() == before
    assert serves(stack, key)
    assert not host.file(MARK).exists


def test_a_migration_that_fails_halfway_is_taken_back(host: Host, digests: Callable[[], dict[str, str]]) -> None:
    before, applied = digests(), migrations(host)
    # A later migration may not alter it; LiteLLM itself may use it as before.
    administrator(
        host,
        'ALTER TABLE "LiteLLM_EndUserTable" OWNER TO postgres; GRANT ALL ON "LiteLLM_EndUserTable" TO hx_gateway',
    )
    try:
        run = upgrade()
    finally:
        administrator(host, 'ALTER TABLE "LiteLLM_EndUserTable" OWNER TO hx_gateway')
    said = " ".join(run.output.split())
    assert run.status != 0
    assert "hx-litellm-migrate.service failed" in said
    assert "The LiteLLM of before serves, with the database as this run has found it" in said
    assert release(host) == "1.104.0"
    assert (migrations(host), digests()) == (applied, before)
    replaced = administrator(
        host, "SELECT max(datname) FROM pg_database WHERE datname LIKE 'hx_gateway_before_restore_%'"
    )
    assert migrations(host, replaced) > applied


@pytest.fixture
def needs_the_schema_of_before(host: Host) -> Iterator[None]:
    """Let LiteLLM's unit start with the database of before alone, as a LiteLLM may that knows no later one."""
    counted = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"
    condition = f"""test $(cd / && runuser -u postgres -- psql -XAtd hx_gateway -c "{counted}") = {migrations(host)}"""
    host.check_output(
        "printf '#!/bin/sh\\n%%s\\n' %s >/run/needs-the-schema; chmod 755 /run/needs-the-schema", condition
    )
    folder = f"/run/systemd/system/{LITELLM_UNIT}.d"
    host.check_output(
        f"mkdir -p {folder} && printf '[Service]\\nExecStartPre=+/run/needs-the-schema\\n' >{folder}/schema.conf"
        " && systemctl daemon-reload"
    )
    yield
    host.check_output(f"rm -r {folder} /run/needs-the-schema && systemctl daemon-reload")


@pytest.mark.usefixtures("needs_the_schema_of_before")
def test_requests_come_back_with_the_database_that_the_former_needs(host: Host, stack: Stack, key: str) -> None:
    applied = migrations(host)
    run = upgrade()
    said = " ".join(run.output.split())
    assert run.status != 0
    assert "was put back and is not ready either" in said
    assert "The LiteLLM of before serves, with the database as this run has found it" in said
    assert (release(host), migrations(host)) == ("1.104.0", applied)
    assert serves(stack, key)
    assert not host.service("hx-litellm-bridge").is_running
    assert 'url: "http://127.0.0.1:4000"' in host.file(f"{CONFIG}/gateway.yml").content_string


def test_an_upgrade_that_was_killed_behind_its_migration(host: Host, stack: Stack, key: str) -> None:
    applied = migrations(host)
    killed = upgrade(end_at="bridge | Begin without one")
    assert killed.status == -signal.SIGKILL
    assert migrations(host) > applied
    made = json.loads(host.file(MARK).content_string)["backup"]

    # Ready by what it says of itself, and no request is answered.
    run = upgrade("-e", "hx_verify_model=nowhere")
    said = " ".join(run.output.split())
    assert run.status != 0
    assert "answers | Ask a model through LiteLLM" in said
    assert "this run has not changed its database" in said
    assert f"was cut off and may have migrated it. That run has made the backup {made} before" in said
    assert f"restore_backup={made} restores" in said
    assert release(host) == "1.104.0"
    assert migrations(host) > applied
    assert serves(stack, key)

    back = play("-e", f"restore_backup={made}", playbook="playbooks/restore.yml")
    assert back.status == 0, back.output
    assert migrations(host) == applied
    assert serves(stack, key)
    assert not host.file(MARK).exists
