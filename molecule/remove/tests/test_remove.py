"""The stack goes, and nothing else; what was not named stays."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from checks.site import Run, play
from checks.stack import GATEWAY_UNIT, LITELLM_UNIT, Stack
from picture import Picture, bare, differences, take
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

BACKUPS = "/var/backups/hx-gateway"
BASE = "/opt/HX-Infrastructure-/api-gateway"
DATABASES = "SELECT datname FROM pg_database"
SETTINGS = "SELECT name FROM pg_settings WHERE sourcefile ~ 'hx-gateway'"
# Answered to anybody by the distribution's server, and by the stack's to nobody without a login.
PING = "redis-cli ping"
OURS = re.compile(r"hx[-_](gateway|litellm)|hx-infrastructure", re.IGNORECASE)
# The distribution's own, which a purge leaves or which the packages' installation made: not the roles' to remove.
LEFT_BY_DEBIAN = re.compile(
    r"(?:user|group) (?:postgres|ssl-cert):"
    # Beside their lines, which are looked at one by one: their order, and a backup of each.
    r"|file /etc/(?:passwd|group|shadow|gshadow)-?:"
    r"|file /var/lib/ucf/"
)


def remove(*arguments: str, end_at: str = "", **variables: Any) -> Run:
    return play(*arguments, "-e", json.dumps(variables), playbook="playbooks/remove.yml", end_at=end_at)


def psql(host: Host, port: int, statement: str) -> list[str]:
    return host.check_output("runuser -u postgres -- psql -XAtqp %s -c %s", str(port), statement).splitlines()


def dumps(folder: Path) -> list[Path]:
    return list(folder.rglob("database.dump"))


def running(host: Host) -> list[str]:
    units = (GATEWAY_UNIT, LITELLM_UNIT)
    return [host.check_output(f"systemctl show -P ExecMainStartTimestampMonotonic {unit}") for unit in units]


def ours(picture: Picture) -> set[str]:
    """Name what on a host bears the stack's name."""
    return {name for names in picture.values() for name in names if OURS.search(name)}


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key, which only the database knows."""
    return str(litellm_api("/key/generate", {"key_alias": f"survives {time.time_ns()}"})["key"])


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What removes all there is, with the last backup on the controller."""
    switches = ("remove_confirmed", "remove_data", "remove_packages", "remove_backups")
    return {**dict.fromkeys(switches, True), "backup_fetch_dir": str(tmp_path_factory.mktemp("fetched"))}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "say -e remove_confirmed=true"),
        ({"remove_confirmed": True, "remove_data": "maybe"}, "remove_data must be true or false"),
        (
            {"remove_confirmed": True, "remove_data": True, "remove_backups": True},
            "remove_backups needs backup_fetch_dir",
        ),
    ],
)
def test_what_is_not_said_clearly_is_refused_and_nothing_stops(
    host: Host, variables: dict[str, Any], told: str
) -> None:
    before = running(host)
    run = remove(**variables)
    assert run.status != 0
    assert told in re.sub(r"\s+", " ", run.output)
    assert run.changed == 0
    assert running(host) == before


def test_data_that_a_backup_would_not_hold_is_not_removed(host: Host) -> None:
    environment = f"{BASE}/config/api-gateway/gateway.env"
    # As DB-less mode has it, for services that start.
    host.check_output(f"cp -a {environment} /root/kept && sed -i /^DATABASE_URL=/d {environment}")
    try:
        before = running(host)
        for arguments in ((), ("--check",)):
            run = remove(*arguments, remove_confirmed=True, remove_data=True)
            assert run.status != 0
            assert "rollback_mode=database" in re.sub(r"\s+", " ", run.output)
            assert (run.changed, running(host)) == (0, before)
    finally:
        host.check_output(f"mv /root/kept {environment}")


def test_a_server_that_does_not_answer_is_not_taken_for_one_without_data(host: Host) -> None:
    before = running(host)
    host.check_output("systemctl stop postgresql@15-main")
    try:
        run = remove(remove_confirmed=True, remove_data=True)
    finally:
        host.check_output("systemctl start postgresql@15-main")
    assert run.status != 0
    assert "Is the server running locally" in re.sub(r"\s+", " ", run.output)
    assert (run.changed, running(host)) == (0, before)


def test_check_mode_tells_and_removes_nothing(host: Host) -> None:
    before = take(host)
    run = remove("--check", "--diff", remove_data=True, remove_packages=True)
    assert run.status == 0, run.output
    for told in (f"removed {BASE}/config/api-gateway/gateway.yml", 'DROP DATABASE "hx_gateway"', "redis-server"):
        assert told in run.output
    assert differences(before, take(host)) == []


def test_without_its_data_the_stack_goes_and_comes_back(host: Host, stack: Stack, key: str) -> None:
    backup = play(playbook="playbooks/backup.yml")
    assert backup.status == 0, backup.output
    saved = host.file(BACKUPS).listdir()
    host.check_output(f"touch {BASE}/notes.txt")
    # Its files are gone, and the server goes on with what it read from them.
    cut = remove(remove_confirmed=True, end_at="remove_cluster | Remove the folder of the unit's drop-ins")
    assert cut.status == -signal.SIGKILL, cut.output
    assert psql(host, 5433, SETTINGS) != []
    run = remove(remove_confirmed=True)
    assert run.status == 0, run.output
    assert "notes.txt" in run.output

    left = take(host)
    assert ours(left) - ours(bare()) == {
        "/opt/HX-Infrastructure-",
        BASE,
        f"{BASE}/notes.txt",
        *(name for name in left["file"] if f"{name}/".startswith(f"{BACKUPS}/")),
        "/var/lib/hx-gateway",
        "/var/lib/hx-gateway/packages.json",
    }
    assert host.file(BACKUPS).listdir() == saved
    assert "hx_gateway" in psql(host, 5432, DATABASES)
    assert psql(host, 5432, SETTINGS) == []
    digest = host.check_output("dpkg-query --show --showformat='${Conffiles}' redis-server | grep redis.conf").split()[
        1
    ]
    assert host.check_output("md5sum /etc/redis/redis.conf").split()[0] == digest
    assert host.check_output(PING) == "PONG"

    again = remove(remove_confirmed=True)
    assert (again.status, again.changed) == (0, 0), again.output
    host.check_output(f"rm {BASE}/notes.txt")

    site = play()
    assert site.status == 0, site.output
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0, timeout=60)
    message: Any = {"role": "user", "content": "Hello"}
    answer = client.chat.completions.create(model="ollama-chat", messages=[message])
    assert answer.choices[0].message.content == "Hello"


def test_a_removal_of_the_data_that_was_cut_off_goes_on(host: Host, everything: dict[str, Any]) -> None:
    fetched = Path(everything["backup_fetch_dir"])
    host.check_output("touch /var/lib/redis/dump.rdb")
    cut = remove(**everything, end_at="remove | Remove the administrator's password")
    assert cut.status == -signal.SIGKILL, cut.output
    assert "NOAUTH" in host.run(PING).stdout
    assert host.file("/var/lib/redis/dump.rdb").exists
    saved = dumps(fetched)
    assert len(saved) == 1

    # A role that something else still needs cannot be dropped: the database is gone by then.
    for statement in ("CREATE DATABASE other", "GRANT CONNECT ON DATABASE other TO hx_gateway"):
        psql(host, 5433, statement)
    stuck = remove(**everything)
    assert stuck.status != 0
    assert "cannot be dropped because some objects depend on it" in re.sub(r"\s+", " ", stuck.output)
    assert "hx_gateway" not in psql(host, 5433, DATABASES)
    assert host.check_output(PING) == "PONG"
    assert not host.file("/var/lib/redis/dump.rdb").exists
    # What it relied on.
    assert dumps(fetched) == saved
    psql(host, 5433, "DROP DATABASE other")


def test_with_everything_the_host_is_what_it_was(host: Host, everything: dict[str, Any]) -> None:
    run = remove(**everything)
    assert run.status == 0, run.output
    fetched = Path(everything["backup_fetch_dir"])
    assert len(dumps(fetched)) == 1
    assert len(list(fetched.rglob("manifest.json"))) == 1
    assert [line for line in differences(bare(), take(host)) if not LEFT_BY_DEBIAN.match(line)] == []

    again = remove(**everything)
    assert (again.status, again.changed) == (0, 0), again.output
