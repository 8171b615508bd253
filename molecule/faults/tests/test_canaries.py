"""No secret is told by runs that say all they can, by those that fail, or by a backup that is encrypted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from checks.site import Run, play
from checks.stack import Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

BACKUPS = "/var/backups/hx-gateway"
CHANGED: dict[str, Any] = {
    "__proxy_release_name": "9.9.97-00000000",
    "proxy_log_sample": 0.9,
    "litellm_settings": {"request_timeout": 302},
    "redis_maxmemory": "302mb",
    "postgresql_work_mem": "6MB",
}
FAILING: dict[str, dict[str, Any]] = {
    "a wrong setting of Redis": {"redis_settings": {"no-such-setting": 1}},
    "a wrong setting of PostgreSQL": {"postgresql_settings": {"no_such_setting": 1}},
    "a wrong value of LiteLLM's": {"litellm_general_settings": {"proxy_batch_write_at": "never"}},
    "a database that nobody can log in to": {"litellm_database_user": "nobody", "proxy_database_user": "nobody"},
    "a Redis that nobody can log in to": {"redis_commands": ["-@all"]},
    "a gateway that does not become ready": {"proxy_upstream_url": "http://127.0.0.1:9"},
}


def told(stack: Stack, text: str) -> int:
    """Count the secrets in a text; they are not to be seen in the test's own output, either."""
    return sum(form in text for form in stack.forms_of_secrets())


def talkative(changed: dict[str, Any], *, playbook: str = "playbooks/site.yml") -> Run:
    return play("-vvvv", "--diff", "-e", json.dumps(changed), playbook=playbook)


def test_a_run_that_tells_everything_tells_no_secret(stack: Stack) -> None:
    run = talkative(CHANGED)
    assert run.status == 0, run.output[-4000:]
    assert run.changed > 0
    assert told(stack, run.output) == 0


@pytest.mark.parametrize("why", FAILING)
def test_a_run_that_fails_tells_no_secret(stack: Stack, why: str) -> None:
    run = talkative(CHANGED | FAILING[why])
    assert run.status != 0
    assert told(stack, run.output) == 0


def test_it_is_put_right_again(stack: Stack) -> None:
    run = talkative(CHANGED)
    assert run.status == 0, run.output[-4000:]
    assert told(stack, run.output) == 0


def test_an_encrypted_backup_holds_none(host: Host, stack: Stack, tmp_path: Path) -> None:
    made = subprocess.run(["age-keygen", "--output", tmp_path / "identity"], capture_output=True, text=True, check=True)
    recipient = made.stderr.split()[-1]
    run = talkative({"backup_recipients": [recipient]}, playbook="playbooks/backup.yml")
    assert run.status == 0, run.output[-4000:]
    assert told(stack, run.output) == 0
    folder = f"{BACKUPS}/{max(name for name in host.file(BACKUPS).listdir() if name.endswith('Z'))}"
    parts = host.check_output(f"cat {folder}/* | base64 --wrap=0")
    assert told(stack, parts) == 0
    assert told(stack, host.check_output(f"cat {folder}/* | strings -n 8 || true")) == 0
    assert told(stack, host.file(f"{folder}/manifest.json").content_string) == 0
