"""LiteLLM is upgraded under load: what fails is taken back with its database, what works loses and refuses nothing."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from checks.load import Load
from checks.site import Run, play
from checks.stack import BASE, LITELLM_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

ROWS, KEYS = 100_000, 500
PREPARED = {
    "LiteLLM_SpendLogs": (
        "request_id",
        f"""
        INSERT INTO "LiteLLM_SpendLogs"
        (request_id, call_type, api_key, spend, total_tokens, "startTime", "endTime", model)
        SELECT 'prepared-' || n, 'acompletion', md5(n::text), n / 7.0, n, now() - n * interval '1 second', now(), 'm'
        FROM generate_series(1, {ROWS}) n""",
    ),
    "LiteLLM_VerificationToken": (
        "token",
        f"""
        INSERT INTO "LiteLLM_VerificationToken" (token, key_name, spend, models, metadata)
        SELECT 'prepared-' || n, 'sk-...' || n, n / 3.0, ARRAY['openai-chat'], '{{"n": "ü"}}'
        FROM generate_series(1, {KEYS}) n""",
    ),
}
# Rows of the requests that virtual keys of these checks have made.
LOGGED = """SELECT count(*) FROM "LiteLLM_SpendLogs" s JOIN "LiteLLM_VerificationToken" t ON t.token = s.api_key
    WHERE t.key_alias LIKE %s"""


def administrator(host: Host, statement: str, database: str = "hx_gateway") -> str:
    """Run a statement as the administrator, over the local socket."""
    return host.check_output("cd / && runuser -u postgres -- psql -XAtd %s -c %s", database, statement)


def release(host: Host) -> str:
    """The version of the release that `current` names."""
    return host.check_output(f"basename $(readlink {BASE}/litellm/current)").partition("-")[0]


@pytest.fixture(scope="module")
def digests(host: Host) -> Callable[[], dict[str, str]]:
    """Prepare rows, and return what counts and hashes them by the columns that there are now."""
    columns = {}
    for table, (key, insert) in PREPARED.items():
        administrator(host, f"DELETE FROM \"{table}\" WHERE {key} LIKE 'prepared-%'")
        administrator(host, insert)
        columns[table] = administrator(
            host,
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY column_name) FROM information_schema.columns"
            f" WHERE table_name = '{table}'",
        )

    def digest() -> dict[str, str]:
        return {
            table: administrator(
                host,
                f"SELECT count(*) || ' ' || md5(string_agg(md5(ROW({columns[table]})::text), '' ORDER BY {key}))"
                f" FROM \"{table}\" WHERE {key} LIKE 'prepared-%'",
            )
            for table, (key, _insert) in PREPARED.items()
        }

    return digest


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key."""
    return str(litellm_api("/key/generate", {"key_alias": f"upgrade-{time.time_ns()}"})["key"])


@contextmanager
def management_asked(host: Host) -> Iterator[list[float]]:
    """Ask LiteLLM's own API, twice a second from its host; gathers when it did not answer."""
    refused: list[float] = []
    program = (
        "import sys, time, urllib.request\n"
        "while True:\n"
        "    try: urllib.request.urlopen('http://127.0.0.1:4000/health/liveliness', timeout=5).read()\n"
        "    except OSError: print(time.time(), flush=True)\n"
        "    time.sleep(0.5)\n"
    )
    host.check_output("systemd-run --unit=hx-management-probe --collect python3 -c %s", program)
    try:
        yield refused
    finally:
        host.check_output("systemctl stop hx-management-probe")
        said = host.check_output("journalctl --output=cat --unit=hx-management-probe --no-pager").splitlines()
        refused += [float(line) for line in said if line.replace(".", "").isdigit()]


def upgrade(*arguments: str) -> Run:
    return play(*arguments, playbook="playbooks/upgrade.yml")


def migrations(host: Host, database: str = "hx_gateway") -> int:
    return int(administrator(host, "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL", database))


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
    assert "The LiteLLM of before serves, with the database of before" in said
    assert release(host) == "1.104.0"
    assert migrations(host) == applied
    assert digests() == before
    request = urllib.request.Request(f"{stack.url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


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
    assert "The LiteLLM of before serves, with the database of before" in said
    assert release(host) == "1.104.0"
    assert (migrations(host), digests()) == (applied, before)
    replaced = administrator(
        host, "SELECT max(datname) FROM pg_database WHERE datname LIKE 'hx_gateway_before_restore_%'"
    )
    assert migrations(host, replaced) > applied


def test_an_upgrade_loses_nothing_and_refuses_nothing(
    host: Host, stack: Stack, key: str, query: Callable[..., list[str]], digests: Callable[[], dict[str, str]]
) -> None:
    before, applied = digests(), migrations(host)
    with management_asked(host) as refused, Load(stack.url, key) as load:
        run = upgrade()
    assert run.status == 0, run.output
    assert release(host) != "1.104.0"
    assert migrations(host) > applied
    assert digests() == before
    away = refused[-1] - refused[0] if refused else 0.0
    print(f"LiteLLM's own port was away for {away:.1f} s")
    load.nobody_noticed()
    assert host.service(LITELLM_UNIT).is_running
    assert not host.service("hx-litellm-bridge").is_running
    deadline = time.monotonic() + 60
    while (rows := int(query(LOGGED, "upgrade-%")[0])) < load.counts.answered and time.monotonic() < deadline:
        time.sleep(2)
    assert rows == load.counts.answered
    assert upgrade("--check").status == 0
