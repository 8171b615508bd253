"""Secrets are changed again and again under load; no request is refused, and the former ones do not open anything."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checks.load import Load
from checks.site import Run, play
from checks.stack import CONFIG, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

ROUNDS = 20 if os.environ.get("FULL") == "1" else 2
LOGINS = ("hx_gateway_b", "hx_gateway")


def rotate(folder: Path, playbook: str = "playbooks/rotate_secrets.yml", **secrets: str) -> Run:
    """Change secrets, which come in a file: arguments are seen by everybody."""
    file = folder / "secrets.json"
    file.write_text(json.dumps(secrets))
    run = play("-e", f"@{file}", playbook=playbook)
    for name, value in secrets.items():
        assert name == "hx_database_user" or value not in run.output
    return run


def secrets_of(number: int) -> dict[str, str]:
    """The secrets of a round, with the signs that must be encoded in URLs and quoted in files."""
    return {
        "hx_database_user": LOGINS[number % 2],
        "hx_database_password": f"database/@:%+ {number}-0123456789",
        "hx_redis_password": f"redis/@:%+={number}-0123456789",
        "hx_master_key": f"sk-master-{number}-0123456789abcdef",
    }


def status(stack: Stack, key: str) -> int:
    request = urllib.request.Request(f"{stack.url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def logs_in(host: Host, user: str, password: str) -> bool:
    program = (
        "import os, psycopg2\n"
        f"try: psycopg2.connect(host='127.0.0.1', user={user!r}, dbname='hx_gateway', password=os.environ['P'])\n"
        "except psycopg2.OperationalError: raise SystemExit(1)\n"
    )
    return host.run("P=%s python3 -c %s", password, program).rc == 0


def redis_lets_in(host: Host, password: str) -> bool:
    return (
        host.run("REDISCLI_AUTH=%s redis-cli --user hx_gateway --no-auth-warning ping", password).stdout.strip()
        == "PONG"
    )


def certificates(host: Host) -> tuple[str, str]:
    """Serial numbers of the certificate that PostgreSQL shows, and of the one in its file."""
    shown = "openssl s_client -starttls postgres -connect 127.0.0.1:5432 </dev/null 2>/dev/null"
    return (
        host.check_output(f"{shown} | openssl x509 -noout -serial"),
        host.check_output("openssl x509 -noout -serial -in /etc/ssl/hx-scenario/server.crt"),
    )


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key."""
    return str(litellm_api("/key/generate", {"key_alias": f"rotation-{time.time_ns()}"})["key"])


@pytest.fixture(scope="module")
def hidden(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A model whose credential LiteLLM keeps encrypted in the database."""
    name = f"hidden-{time.time_ns()}"
    parameters = {"model": "openai/standin-chat", "api_base": "http://127.0.0.1:11434/v1", "api_key": "kept-encrypted"}
    litellm_api("/model/new", {"model_name": name, "litellm_params": parameters, "model_info": {}})
    return name


@pytest.mark.parametrize("number", range(ROUNDS))
def test_secrets_are_changed_and_no_request_fails(
    host: Host, stack: Stack, key: str, hidden: str, tmp_path: Path, number: int
) -> None:
    former = secrets_of(number - 1) if number else {**stack.secrets, "hx_database_user": "hx_gateway"}
    present = secrets_of(number)
    host.check_output("issue-certificate")
    shown, signed = certificates(host)
    assert shown != signed
    with Load(stack.url, key, model=hidden) as load:
        run = rotate(tmp_path, **present)
    assert run.status == 0, run.output
    load.nobody_noticed()
    assert certificates(host) == (signed, signed)
    assert (status(stack, former["hx_master_key"]), status(stack, present["hx_master_key"])) == (401, 200)
    for secrets, valid in ((former, False), (present, True)):
        assert logs_in(host, secrets["hx_database_user"], secrets["hx_database_password"]) is valid
        assert redis_lets_in(host, secrets["hx_redis_password"]) is valid
    again = rotate(tmp_path, **present)
    assert (again.status, again.changed) == (0, 0), again.output


def test_a_password_without_its_login_role_is_refused(host: Host, tmp_path: Path) -> None:
    before = host.check_output(f"sha256sum {CONFIG}/*")
    last = secrets_of(ROUNDS - 1)
    run = rotate(tmp_path, **{**last, "hx_database_password": "another-password-for-it"})
    assert run.status != 0
    assert "hx_database_user" in run.output
    assert "Nothing was changed." in run.output
    assert host.check_output(f"sha256sum {CONFIG}/*") == before


@pytest.mark.parametrize("playbook", ["rotate_secrets.yml", "site.yml"])
def test_another_salt_is_refused(host: Host, tmp_path: Path, playbook: str) -> None:
    before = host.check_output(f"sha256sum {CONFIG}/*")
    secrets = {**secrets_of(ROUNDS - 1), "hx_salt_key": "another-salt-0123456789abcdef"}
    run = rotate(tmp_path, f"playbooks/{playbook}", **secrets)
    assert run.status != 0
    assert "hx_salt_key" in run.output
    assert host.check_output(f"sha256sum {CONFIG}/*") == before


def test_the_inventorys_secrets_come_back(stack: Stack, tmp_path: Path) -> None:
    user = LOGINS[ROUNDS % 2]
    run = rotate(tmp_path, **stack.secrets, hx_database_user=user)
    assert run.status == 0, run.output
    assert status(stack, stack.master_key) == 200
