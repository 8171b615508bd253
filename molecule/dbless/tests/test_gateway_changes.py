"""A change of the gateway is reloaded where that is enough, and restarts it where it is not."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from checks.site import Run, play
from checks.stack import CONFIG, GATEWAY_UNIT, SOCKET_UNIT, Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

BODY = json.dumps({"model": "x" * 2000}).encode()


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The deployed stack."""
    return describe(host)


def deploy(**variables: Any) -> Run:
    """Run the gateway's part of the playbook with these variables."""
    run = play("--tags", "proxy_configure,proxy_run", "-e", json.dumps(variables))
    assert run.status == 0, run.output
    return run


def pid(host: Host) -> str:
    return host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}")


def socket_opened(host: Host) -> str:
    return host.check_output(f"systemctl show -P ActiveEnterTimestampMonotonic {SOCKET_UNIT}")


def starts(host: Host) -> int:
    """How often the gateway has begun to listen."""
    return int(host.check_output(f'journalctl -u {GATEWAY_UNIT} -o cat | grep -c \'"event":"listening"\''))


def status(url: str, path: str = "/healthz", body: bytes | None = None) -> int:
    request = urllib.request.Request(url + path, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_configuration_is_reloaded_and_a_second_run_changes_nothing(host: Host, stack: Stack) -> None:
    before = pid(host)
    assert status(stack.url, "/v1/chat/completions", BODY) == 401
    assert deploy(proxy_body_max=1000).changed > 0
    assert status(stack.url, "/v1/chat/completions", BODY) == 413
    assert pid(host) == before
    assert deploy(proxy_body_max=1000).changed == 0
    assert pid(host) == before
    deploy()
    assert status(stack.url, "/v1/chat/completions", BODY) == 401
    assert pid(host) == before


def test_what_a_reload_cannot_change_and_the_environment_restart_it(host: Host) -> None:
    opened = socket_opened(host)
    for variables in ({"proxy_metrics_port": 4012}, {"proxy_metrics_port": 4012, "proxy_disable_admin_ui": False}):
        before = (pid(host), starts(host))
        deploy(**variables)
        assert pid(host) != before[0]
        assert starts(host) == before[1] + 1
    assert host.socket("tcp://127.0.0.1:4012").is_listening
    assert socket_opened(host) == opened


def test_another_port_restarts_socket_and_service_once(host: Host, stack: Stack) -> None:
    before = (starts(host), socket_opened(host))
    deploy(proxy_port=4020)
    assert starts(host) == before[0] + 1
    assert socket_opened(host) != before[1]
    assert status(stack.url.replace(":4010", ":4020")) == 200
    with pytest.raises(urllib.error.URLError, match="refused"):
        status(stack.url)


def test_without_the_socket_unit_and_back(host: Host, stack: Stack) -> None:
    deploy(proxy_socket_activation=False)
    assert not host.file(f"/etc/systemd/system/{SOCKET_UNIT}").exists
    assert host.run(f"systemctl is-active {SOCKET_UNIT}").stdout.strip() == "inactive"
    assert "systemd" not in host.check_output("ss -Hltnp 'sport = :4010'")
    assert status(stack.url) == 200
    assert deploy(proxy_socket_activation=False).changed == 0
    before = starts(host)
    deploy()
    assert '"systemd",pid=1,' in host.check_output("ss -Hltnp 'sport = :4010'")
    assert starts(host) == before + 1
    assert status(stack.url) == 200


def test_a_refused_configuration_fails_the_play_and_the_old_one_serves(host: Host, stack: Stack) -> None:
    before = pid(host)
    host.check_output(f"echo 'nonsense: 1' >>{CONFIG}/gateway.yml")
    run = play("--tags", "proxy_run")
    assert run.status != 0
    assert "nonsense: unknown key" in " ".join(run.output.split())
    assert status(stack.url) == 200
    deploy()
    assert pid(host) == before
