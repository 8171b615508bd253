"""Keys that were lost work again after a restore; what fails leaves the running stack as it is."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from checks.site import Run, play
from checks.stack import CONFIG, GATEWAY_UNIT, LITELLM_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

BACKUPS = "/var/backups/hx-gateway"
ROWS = 'SELECT count(*) FROM "LiteLLM_VerificationToken"'


def back_up(*arguments: str, **variables: Any) -> Run:
    run = play("-vvv", *arguments, "-e", json.dumps(variables), playbook="playbooks/backup.yml")
    assert run.status == 0, run.output
    return run


def restore(**variables: Any) -> Run:
    return play("-vvv", "-e", json.dumps({"restore_backup": "latest", **variables}), playbook="playbooks/restore.yml")


def names(host: Host) -> list[str]:
    return sorted(name for name in host.file(BACKUPS).listdir() if name.endswith("Z"))


def databases(host: Host) -> list[str]:
    return host.check_output("runuser -u postgres -- psql -qAtc 'SELECT datname FROM pg_database ORDER BY 1'").split()


def running(host: Host) -> list[str]:
    units = (GATEWAY_UNIT, LITELLM_UNIT)
    return [host.check_output(f"systemctl show -P ExecMainStartTimestampMonotonic {unit}") for unit in units]


def lose_keys(host: Host) -> None:
    host.check_output("runuser -u postgres -- psql -qd hx_gateway -c %s", 'DELETE FROM "LiteLLM_VerificationToken"')


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key that is in the backup."""
    return str(litellm_api("/key/generate", {"key_alias": f"kept {time.time_ns()}", "max_budget": 5})["key"])


@pytest.fixture
def works(stack: Stack, key: str) -> Callable[[], bool]:
    """Tell whether the key is served through the gateway."""

    def ask() -> bool:
        client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0, timeout=60)
        message: Any = {"role": "user", "content": "Hello"}
        return (
            client.chat.completions.create(model="ollama-chat", messages=[message]).choices[0].message.content
            == "Hello"
        )

    return ask


def test_what_was_lost_comes_back(
    host: Host,
    stack: Stack,
    works: Callable[[], bool],
    query: Callable[..., list[str]],
) -> None:
    assert works()
    before = query(ROWS)
    made = back_up()
    assert not [form for form in stack.forms_of_secrets() if form in made.output]
    folder = f"{BACKUPS}/{names(host)[-1]}"
    assert host.check_output(f"stat -c '%U %a' {BACKUPS} {folder}").split() == ["root", "700"] * 2
    assert host.check_output(f"stat -c %a {folder}/*").split() == ["600"] * 3
    manifest = host.file(f"{folder}/manifest.json").content_string
    assert not [form for form in stack.forms_of_secrets() if form in manifest]

    lose_keys(host)
    assert query(ROWS) == ["0"]
    done = restore()
    assert done.status == 0, done.output
    assert not [form for form in stack.forms_of_secrets() if form in done.output]
    assert query(ROWS) == before
    assert works()
    assert [name for name in databases(host) if name.startswith("hx_gateway_before_restore_")]


def test_the_drill_touches_nothing(host: Host, works: Callable[[], bool]) -> None:
    before = databases(host), running(host), names(host)
    run = back_up("--tags", "verify")
    assert "tables" in run.output
    assert (databases(host), running(host), names(host)) == before
    assert works()


def test_the_configuration_comes_back_byte_by_byte(host: Host, works: Callable[[], bool]) -> None:
    listing = f"cd {CONFIG} && stat -c '%n %U %G %a' * && sha256sum *"
    before = host.check_output(listing)
    host.check_output(
        f"echo '# by hand' >> {CONFIG}/gateway.yml && chmod 600 {CONFIG}/gateway.yml && touch {CONFIG}/left"
    )
    done = restore(restore_configuration=True)
    assert done.status == 0, done.output
    assert host.check_output(listing) == before
    assert works()


def test_services_that_do_not_come_up_bring_the_old_database_back(
    host: Host,
    works: Callable[[], bool],
    query: Callable[..., list[str]],
) -> None:
    before, rows = databases(host), query(ROWS)
    done = restore(backup_litellm_url="http://127.0.0.1:4999", backup_gate_timeout=3)
    assert done.status != 0
    assert "The database that was there before serves again." in done.output
    assert (databases(host), query(ROWS)) == (before, rows)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        with contextlib.suppress(openai.APIStatusError):
            assert works()
            return
        time.sleep(1)
    pytest.fail("LiteLLM did not come back with the old database")


def test_one_that_is_damaged_is_refused_before_anything_changes(host: Host) -> None:
    dump = f"{BACKUPS}/{names(host)[-1]}/database.dump"
    host.check_output(f"cp -a {dump} /root/kept && truncate -s -5 {dump}")
    before = databases(host), running(host)
    done = restore()
    assert done.status != 0
    assert "it is truncated or was changed" in done.output
    assert (databases(host), running(host)) == before
    host.check_output(f"mv /root/kept {dump}")


def test_a_folder_of_the_controller_that_is_not_absolute_is_refused(host: Host) -> None:
    before = names(host)
    run = play("-e", "backup_fetch_dir=fetched", playbook="playbooks/backup.yml")
    assert run.status != 0
    assert "backup_fetch_dir must be an absolute path" in run.output
    assert names(host) == before


def test_one_that_is_only_on_the_controller_is_uploaded_whole(host: Host, stack: Stack, tmp_path: Path) -> None:
    made = back_up(backup_fetch_dir=str(tmp_path))
    assert sum(form in made.output for form in stack.forms_of_secrets()) == 0
    (fetched,) = (path.parent for path in tmp_path.rglob("manifest.json"))
    assert {path.stat().st_mode & 0o777 for path in (fetched, *fetched.iterdir())} == {0o700, 0o600}
    # As a run that was killed while it uploaded has left it.
    host.check_output(
        f"mv {BACKUPS}/{fetched.name} {BACKUPS}/.uploading && cd {BACKUPS}/.uploading"
        " && truncate -s 1000 database.dump && touch left && rm manifest.json"
    )
    before = names(host)
    assert fetched.name not in before
    assert restore(restore_backup=fetched.name).status != 0
    done = restore(restore_backup=fetched.name, backup_upload_dir=str(fetched))
    assert done.status == 0, done.output
    assert names(host) == [*before, fetched.name]
    assert not host.file(f"{BACKUPS}/.uploading").exists
    assert set(host.file(f"{BACKUPS}/{fetched.name}").listdir()) == {path.name for path in fetched.iterdir()}


def test_the_timer_makes_encrypted_ones_that_only_the_key_opens(host: Host, tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    made = subprocess.run(["age-keygen", "--output", identity], capture_output=True, text=True, check=True)
    fetched = tmp_path / "fetched"
    back_up(
        backup_recipients=[made.stderr.split()[-1]],
        backup_timer_enabled=True,
        backup_fetch_dir=str(fetched),
        backup_keep=2,
    )
    assert host.service("hx-gateway-backup.timer").is_enabled
    assert host.service("hx-gateway-backup.timer").is_running
    host.check_output("systemctl start hx-gateway-backup.service")
    assert len(names(host)) == 2
    newest = f"{BACKUPS}/{names(host)[-1]}"
    assert sorted(host.file(newest).listdir()) == ["configuration.tar.age", "database.dump.age", "manifest.json"]
    assert len(list(fetched.rglob("*.age"))) == 2

    host.check_output("umask 077 && echo %s > /root/identity", identity.read_text())
    back_up("--tags", "verify", backup_identity_file="/root/identity")
    assert not host.service("hx-gateway-backup.timer").is_running
