"""Without its database LiteLLM serves the master key and no other; the way back is exact."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from checks.site import Run, play
from checks.stack import BASE, CONFIG, MIGRATE_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

UNITS = "/etc/systemd/system/hx-litellm-* /etc/systemd/system/hx-gateway-ml.*"


def go(mode: str, *arguments: str, end_at: str = "") -> Run:
    given = json.dumps({"rollback_mode": mode})
    return play(*arguments, "-e", given, playbook="playbooks/rollback.yml", end_at=end_at)


def listing(host: Host) -> str:
    files = f"{CONFIG} {CONFIG}/* {UNITS}"
    return host.check_output(f"stat -c '%n %U %G %a' {files}; sha256sum {CONFIG}/* {UNITS}; readlink {BASE}/*/current")


def ask(stack: Stack, key: str) -> str:
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0, timeout=60)
    message: Any = {"role": "user", "content": "Hello"}
    return str(client.chat.completions.create(model="ollama-chat", messages=[message]).choices[0].message.content)


@pytest.fixture(scope="module")
def another_release(host: Host) -> Iterator[str]:
    """A release of the gateway that serves and that the checkout does not hold."""
    root, name = f"{BASE}/gateway", "8.8.8-feedface"
    inventorys = host.check_output(f"basename $(readlink {root}/current)")
    host.check_output(
        f"cp -a {root}/releases/{inventorys} {root}/releases/{name} && rm -rf {root}/releases/{name}/.kept"
        f" && sed -i '1s,/{inventorys}/,/{name}/,' {root}/releases/{name}/venv/bin/hx-gateway"
    )
    gone = go("release", "-e", f"rollback_to={name}")
    assert gone.status == 0, gone.output
    yield name
    assert go("release", "-e", f"rollback_to={inventorys}").status == 0
    host.check_output(f"rm -r {root}/releases/{name}")


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key, which the database knows."""
    return str(litellm_api("/key/generate", {"key_alias": f"there and back {time.time_ns()}"})["key"])


@pytest.fixture(scope="module")
def model_of_the_database(litellm_api: Callable[..., dict[str, Any]], stack: Stack) -> Iterator[str]:
    """A model that LiteLLM serves only while it has its database."""
    name = "only-in-the-database"
    parameters = {"model": "ollama_chat/standin-chat", "api_base": stack.provider_url}
    made = litellm_api("/model/new", {"model_name": name, "litellm_params": parameters, "model_info": {}})
    yield name
    litellm_api("/model/delete", {"id": made["model_id"]})


def test_there_and_back(host: Host, stack: Stack, key: str, another_release: str) -> None:
    assert ask(stack, key) == "Hello"
    before = listing(host)
    planned = go("dbless", "--check", "--diff")
    assert planned.status == 0, planned.output
    assert listing(host) == before

    done = go("dbless")
    assert done.status == 0, done.output
    assert "every virtual key is refused, and only the master key is served" in " ".join(done.output.split())
    assert host.run(f"grep -rE 'DATABASE_URL|database_url|store_model_in_db' {CONFIG}").rc == 1
    assert not host.file(f"/etc/systemd/system/{MIGRATE_UNIT}").exists
    assert host.check_output(f"readlink {BASE}/litellm/current") in before
    assert host.check_output(f"basename $(readlink {BASE}/gateway/current)") == another_release
    with pytest.raises(openai.BadRequestError, match="No connected db"):
        ask(stack, key)
    assert ask(stack, stack.master_key) == "Hello"

    again = go("dbless")
    assert (again.status, again.changed) == (0, 0), again.output

    back = go("database")
    assert back.status == 0, back.output
    assert listing(host) == before
    assert ask(stack, key) == "Hello"
    assert not [form for form in stack.forms_of_secrets() if form in planned.output + done.output + back.output]


def test_the_way_back_can_be_gone_again(host: Host, another_release: str) -> None:
    before = listing(host)
    # As a run leaves it that is cut off before its restarts.
    host.check_output(f"touch {CONFIG}/gateway.env")
    again = go("database")
    assert again.status == 0, again.output
    third = go("database")
    assert (third.status, third.changed) == (0, 0), third.output
    assert listing(host) == before
    assert host.check_output(f"basename $(readlink {BASE}/gateway/current)") == another_release


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("only-in-the-database", "DB-less mode was not reached; everything is as it was."),
        # The way back is not found good either, but has put everything in place.
        ("nowhere", "DB-less mode was not reached, and going back failed, too."),
    ],
)
@pytest.mark.usefixtures("model_of_the_database")
def test_a_change_that_fails_after_litellms_part(host: Host, stack: Stack, key: str, model: str, reason: str) -> None:
    before = listing(host)
    failed = go("dbless", "-e", f"proxy_verify_model={model}")
    said = " ".join(failed.output.split())
    assert failed.status != 0
    assert reason in said
    assert "Verify that a model answers" in said.partition(reason)[2]
    assert listing(host) == before
    assert not host.run("ls /var/backups/hx-gateway/kept.*").stdout
    assert ask(stack, key) == "Hello"
    assert not [form for form in stack.forms_of_secrets() if form in failed.output]


def test_a_change_in_dbless_mode_that_fails_stays_there(host: Host, stack: Stack, key: str) -> None:
    before = listing(host)
    done = go("dbless")
    assert done.status == 0, done.output
    without = listing(host)
    failed = go("dbless", "-e", "hx_verify_model=nowhere")
    assert failed.status != 0
    assert "DB-less mode was not reached; there is no database, as before." in " ".join(failed.output.split())
    assert listing(host) == without
    assert ask(stack, stack.master_key) == "Hello"
    back = go("database")
    assert back.status == 0, back.output
    assert listing(host) == before
    assert ask(stack, key) == "Hello"


def test_a_host_that_makes_no_backups_has_no_administrator(host: Host) -> None:
    given = {
        "backup_configuration_only": True,
        "backup_timer_enabled": True,
        "backup_admin_password": "of-another-host",
    }
    settings = f"{BASE}/backup/settings.json"
    assert go("database", "-e", json.dumps(given)).status == 0
    assert json.loads(host.file(settings).content_string)["admin_password"] == ""
    assert not host.file("/etc/systemd/system/hx-gateway-backup.timer").exists
    assert go("database").status == 0


def test_what_was_set_aside_is_forgotten_when_the_stack_is_deployed(host: Host) -> None:
    killed = go("dbless", end_at="keep | Remember whether there was no database before")
    assert killed.status == -signal.SIGKILL
    assert host.run("ls /var/backups/hx-gateway/kept.*").rc == 0
    assert play("--tags", "litellm").status == 0
    assert not host.run("ls /var/backups/hx-gateway/kept.*").stdout


def test_a_mode_there_is_not() -> None:
    refused = go("sideways")
    assert refused.status != 0
    assert "rollback_mode is release, dbless or database" in refused.output
