"""What an auditor would look for on a gateway host: files, users, units, sockets, sandboxes."""

from __future__ import annotations

import json
import re

import pytest
from checks.stack import BASE, CONFIG, GATEWAY_UNIT, LITELLM_UNIT, SOCKET_UNIT
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

FILES = [
    (CONFIG, "root", "hx-gateway", 0o750),
    (f"{CONFIG}/gateway.env", "root", "hx-gateway", 0o640),
    (f"{CONFIG}/gateway.yml", "root", "hx-gateway", 0o640),
    (f"{CONFIG}/litellm.yaml", "root", "hx-gateway", 0o640),
    (f"{CONFIG}/litellm.env", "root", "hx-litellm", 0o640),
    (f"/etc/systemd/system/{GATEWAY_UNIT}", "root", "root", 0o644),
    (f"/etc/systemd/system/{SOCKET_UNIT}", "root", "root", 0o644),
    (f"/etc/systemd/system/{LITELLM_UNIT}", "root", "root", 0o644),
]


@pytest.mark.parametrize(("path", "user", "group", "mode"), FILES)
def test_owner_and_mode(host: Host, path: str, user: str, group: str, mode: int) -> None:
    file = host.file(path)
    assert (file.user, file.group, file.mode) == (user, group, mode)


def test_nothing_of_the_configuration_is_open_to_the_world(host: Host) -> None:
    assert host.check_output(f"find {CONFIG} -perm /007") == ""


def test_nothing_installed_is_writable_by_a_service(host: Host) -> None:
    assert host.check_output(f"find {BASE} -not -type l -and '(' -perm /022 -or -not -user root ')' -print -quit") == ""


@pytest.mark.parametrize("name", ["gateway", "litellm"])
def test_current_is_a_relative_link_to_a_complete_release(host: Host, name: str) -> None:
    target = host.check_output(f"readlink {BASE}/{name}/current")
    assert re.fullmatch(r"releases/[\w.+-]+", target)
    assert host.file(f"{BASE}/{name}/{target}/.complete").exists


@pytest.mark.parametrize("name", ["hx-gateway", "hx-litellm"])
def test_service_users_have_no_home_and_no_shell(host: Host, name: str) -> None:
    user = host.user(name)
    assert user.shell == "/usr/sbin/nologin"
    assert not host.file(user.home).exists
    assert user.uid < 1000


@pytest.mark.parametrize(("unit", "user"), [(GATEWAY_UNIT, "hx-gateway"), (LITELLM_UNIT, "hx-litellm")])
def test_unit_is_enabled_and_runs_as_its_user(host: Host, unit: str, user: str) -> None:
    service = host.service(unit)
    assert service.is_enabled
    assert service.is_running
    properties = service.systemd_properties
    assert properties["User"] == user
    assert properties["Restart"] == "on-failure"
    assert properties["NRestarts"] == "0"


def test_gateway_starts_after_litellm(host: Host) -> None:
    assert LITELLM_UNIT in host.service(GATEWAY_UNIT).systemd_properties["After"].split()


@pytest.mark.parametrize(("unit", "limit"), [(GATEWAY_UNIT, 1.2), (LITELLM_UNIT, 1.6)])
def test_sandbox_score(host: Host, unit: str, limit: float) -> None:
    answer = host.check_output(f"systemd-analyze security --no-pager {unit} | tail -n 1")
    assert float(re.search(r": (\d+\.\d+) ", answer)[1]) <= limit, answer


def test_only_the_gateway_listens_beyond_loopback_for_clients(host: Host) -> None:
    assert host.socket("tcp://0.0.0.0:4010").is_listening
    listeners = host.check_output("ss -Hltn 'sport = :4000'").split()
    assert "127.0.0.1:4000" in listeners
    assert "0.0.0.0:4000" not in listeners


def test_no_unit_failed(host: Host) -> None:
    assert json.loads(host.check_output("systemctl list-units --failed --output=json")) == []
