"""Servers are killed, stopped, rebooted: the stack comes back by itself, in order, and says meanwhile what it lacks."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from checks.site import play
from checks.stack import BASE, GATEWAY_UNIT, LITELLM_UNIT, Stack
from client import Client
from reboot import reboot
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

POSTGRESQL_UNIT = "postgresql@15-main.service"
REDIS_UNIT = "redis-server.service"
LITELLM_STARTS_WITHIN = 90
"""Seconds, on a machine with two cores and other work."""
SPENT = 'SELECT count(*) FROM "LiteLLM_SpendLogs"'


@pytest.fixture(autouse=True)
def at_rest(host: Host, client: Client) -> Iterator[None]:
    """Begin with a stack that serves, and leave one."""
    client.wait_until_ready(LITELLM_STARTS_WITHIN, limits="redis")
    yield
    for unit in (POSTGRESQL_UNIT, REDIS_UNIT, LITELLM_UNIT, GATEWAY_UNIT):
        host.run("systemctl start %s", unit)


def spent(query: Callable[..., list[str]]) -> int:
    return int(query(SPENT)[0])


def stop(host: Host, unit: str) -> None:
    host.check_output("systemctl stop %s", unit)


def start(host: Host, unit: str) -> None:
    host.check_output("systemctl start %s", unit)


@pytest.mark.parametrize("unit", [POSTGRESQL_UNIT, REDIS_UNIT, LITELLM_UNIT, GATEWAY_UNIT])
def test_a_server_that_was_killed_comes_back(
    host: Host, client: Client, query: Callable[..., list[str]], unit: str
) -> None:
    before = spent(query)
    pid = host.check_output("systemctl show -P MainPID %s", unit)
    host.check_output("kill -9 %s", pid)
    began = time.monotonic()
    client.wait_until_served(LITELLM_STARTS_WITHIN)
    client.wait_until_ready(LITELLM_STARTS_WITHIN, limits="redis")
    print(f"{unit}: killed, ready again after {time.monotonic() - began:.1f} s")
    while (now := host.check_output("systemctl show -P MainPID %s", unit)) in {pid, "0"}:
        assert time.monotonic() - began < LITELLM_STARTS_WITHIN, f"{unit} is not started again"
        time.sleep(0.5)
    print(f"{unit}: process {now} in the place of {pid} after {time.monotonic() - began:.1f} s")
    assert spent(query) >= before


def test_without_postgresql_nobody_gets_in_who_should_not(host: Host, stack: Stack, client: Client) -> None:
    stop(host, POSTGRESQL_UNIT)
    print(client.wait_until_unready("database", 60))
    wrong = Client(stack.url, "sk-a-key-that-nobody-has").chat()
    assert wrong.partition(" ")[0] in {"401", "500", "503"}, wrong
    start(host, POSTGRESQL_UNIT)
    client.wait_until_ready(LITELLM_STARTS_WITHIN)
    assert client.chat() == ""


def test_without_redis_everything_is_served(host: Host, client: Client) -> None:
    stop(host, REDIS_UNIT)
    client.wait_until_ready(30, limits="memory")
    assert [wrong for _number in range(5) if (wrong := client.chat())] == []
    start(host, REDIS_UNIT)
    client.wait_until_ready(30, limits="redis")
    assert client.chat() == ""


def test_without_litellm_the_gateway_says_so(host: Host, stack: Stack, client: Client) -> None:
    stop(host, LITELLM_UNIT)
    print(client.wait_until_unready("", 30))
    assert client.ready()["litellm"] == "unreachable"
    status, _, body = client.chat().partition(" ")
    assert status == "502"
    assert json.loads(body)["error"]["message"]
    with urllib.request.urlopen(f"{stack.url}/healthz", timeout=10) as answer:
        assert json.load(answer)["ok"] is True
    start(host, LITELLM_UNIT)
    client.wait_until_ready(LITELLM_STARTS_WITHIN)
    assert client.chat() == ""


@pytest.mark.parametrize("hard", [False, True], ids=["in good order", "as if the power had failed"])
def test_a_reboot_at_rest(host: Host, client: Client, query: Callable[..., list[str]], hard: bool) -> None:
    before = spent(query)
    began = time.monotonic()
    reboot(host, hard=hard)
    client.wait_until_ready(180, limits="redis")
    client.wait_until_served(60)
    print(f"ready {time.monotonic() - began:.1f} s after the reboot began")
    begun = [
        int(host.check_output("systemctl show -P ActiveEnterTimestampMonotonic %s", unit))
        for unit in (POSTGRESQL_UNIT, LITELLM_UNIT, GATEWAY_UNIT)
    ]
    assert begun == sorted(begun)
    assert int(host.check_output("systemctl show -P ActiveEnterTimestampMonotonic %s", REDIS_UNIT)) < begun[1]
    assert host.check_output("systemctl list-units --failed --plain --no-legend 'hx-*' 'postgres*' 'redis*'") == ""
    assert spent(query) >= before
    run = play()
    assert (run.status, run.changed) == (0, 0), run.output


def test_a_reboot_in_the_middle_of_a_run(host: Host, client: Client) -> None:
    changed = {"__proxy_release_name": "9.9.99-00000000", "proxy_log_sample": 0.25, "redis_maxmemory": "300mb"}
    arguments = ("-e", json.dumps(changed))
    with ThreadPoolExecutor(1) as pool:
        cut = pool.submit(play, *arguments)
        while not host.file(f"{BASE}/gateway/releases/9.9.99-00000000").exists:
            assert not cut.done(), cut.result().output
            time.sleep(0.5)
        reboot(host, hard=True)
        assert cut.result().status != 0
    print(f"served {client.wait_until_served(180):.1f} s after the reboot")
    after, again = play(*arguments), play(*arguments)
    assert after.status == 0, after.output
    assert (again.status, again.changed) == (0, 0), again.output
    client.wait_until_ready(30, limits="redis")
