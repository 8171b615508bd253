"""A backup is tried and restored from the gateway host, with the database on another, by a login nobody else has."""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import testinfra
from checks.site import Run, play
from checks.stack import LITELLM_UNIT, Stack, evaluate
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

ADMINISTRATOR = "hx_gateway_backup"
BACKUPS = "/var/backups/hx-gateway"
ROWS = 'SELECT count(*) FROM "LiteLLM_VerificationToken"'
STARTED = f"systemctl show -P ExecMainStartTimestampMonotonic {LITELLM_UNIT}"
# Prints who one is in the database, or PostgreSQL's refusal.
LOGIN = """
import os, psycopg2
try:
    login = dict(host={0!r}, user={1!r}, dbname={2!r}, password=os.environ["P"])
    cursor = psycopg2.connect(connect_timeout=5, **login).cursor()
    cursor.execute("SELECT current_user")
    print("in as", cursor.fetchone()[0])
except psycopg2.OperationalError as refusal:
    print(refusal)
"""


def other(group: str) -> Host:
    inventory = f"{os.environ['MOLECULE_SCENARIO_DIRECTORY']}/inventory"
    return testinfra.get_hosts([f"ansible://{group}"], ansible_inventory=inventory)[0]


def on_database(statement: str) -> list[str]:
    command = "runuser -u postgres -- psql -XAtqd hx_gateway -c %s"
    return other("database").check_output(command, statement).splitlines()


@pytest.fixture(scope="module")
def password(host: Host) -> str:
    """The password of the login for restores."""
    return str(evaluate(host, ("hx_backup_password",))["hx_backup_password"])


@pytest.fixture
def run(password: str) -> Callable[..., Run]:
    """Run a playbook, which tells the password to nobody."""

    def run(playbook: str, *arguments: str, **variables: Any) -> Run:
        done = play(
            "-vvv",
            "-e",
            "ansible_user=operator",
            *arguments,
            "-e",
            json.dumps(variables),
            playbook=f"playbooks/{playbook}.yml",
        )
        assert not [form for form in (password, urllib.parse.quote(password, safe="")) if form in done.output]
        return done

    return run


def test_what_was_lost_comes_back(
    host: Host,
    stack: Stack,
    run: Callable[..., Run],
    litellm_api: Callable[..., dict[str, Any]],
    query: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    key = str(litellm_api("/key/generate", {"max_budget": 5})["key"])
    before = query(ROWS)
    started = host.check_output(STARTED)
    # Made and tried in one run, which takes half the time of two.
    made = run("backup", "--tags", "backup,verify", backup_fetch_dir=str(tmp_path))
    assert made.status == 0, made.output
    (fetched,) = (path.parent for path in tmp_path.rglob("manifest.json"))
    copies = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in fetched.iterdir()}
    sums = (line.split() for line in host.check_output(f"cd {BACKUPS}/{fetched.name} && sha256sum *").splitlines())
    assert copies == {name: digest for digest, name in sums}
    assert not host.file("/var/lib/hx-gateway-fetch").exists
    assert re.search("tables: [0-9]", made.output)
    assert (host.check_output(STARTED), query(ROWS)) == (started, before)

    on_database('DELETE FROM "LiteLLM_VerificationToken"')
    assert query(ROWS) == ["0"]
    done = run("restore", restore_backup="latest")
    assert done.status == 0, done.output
    assert query(ROWS) == before
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0, timeout=60)
    answer = client.chat.completions.create(model="ollama-chat", messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content == "Hello"
    databases = on_database("SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname ~ '^hx_'")
    assert {line.partition("|")[2] for line in databases} == {"hx_gateway"}
    assert [line for line in databases if line.startswith("hx_gateway_before_restore_")]
    assert not [line for line in databases if "_check_" in line]
    strangers = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner <> 'hx_gateway'::regrole"
    )
    assert on_database(strangers) == []


def test_an_upgrade_that_could_not_be_taken_back_does_not_begin(host: Host, run: Callable[..., Run]) -> None:
    before = host.check_output(f"ls {BACKUPS}; {STARTED}")
    done = run("upgrade", hx_backup_password="")
    assert done.status != 0
    assert "hx_backup_password" in done.output
    assert host.check_output(f"ls {BACKUPS}; {STARTED}") == before


def test_nobody_else_gets_in_that_way(host: Host, stack: Stack, password: str) -> None:
    def says(at: Host, database: str, secret: str = password, user: str = ADMINISTRATOR) -> str:
        return at.check_output("P=%s python3 -c %s", secret, LOGIN.format(stack.database_address, user, database))

    for database in ("hx_gateway", "postgres"):
        assert says(host, database) == f"in as {ADMINISTRATOR}"
        assert "password authentication failed" in says(host, database, stack.secrets["hx_database_password"])
        # Not even on its own host, since that is no gateway.
        assert "no pg_hba.conf entry" in says(other("database"), database)
    assert "no pg_hba.conf entry" in says(host, "postgres", stack.secrets["hx_database_password"], "hx_gateway")
    powers = "SELECT rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = %s"
    assert on_database(powers.replace("%s", f"'{ADMINISTRATOR}'")) == ["f"]


@pytest.mark.parametrize("group", ["database", "gateway"])
def test_its_password_is_in_no_log(group: str, password: str) -> None:
    logs = "journalctl --no-pager --output=cat; cat /var/log/*.log /var/log/*/*.log 2>/dev/null; true"
    text = other(group).run(logs).stdout
    assert text
    assert password not in text
