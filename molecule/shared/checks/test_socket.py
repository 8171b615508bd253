"""systemd holds the gateway's port: who owns it, and that a restart or a reload is not noticed."""

from __future__ import annotations

import asyncio
import collections
import urllib.parse
from collections.abc import Callable
from functools import partial

from checks.stack import CONFIG, GATEWAY_UNIT, SOCKET_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

RATE = 200
SECONDS = 6


def test_systemd_and_the_gateway_share_the_port(host: Host) -> None:
    socket = host.service(SOCKET_UNIT)
    assert socket.is_running
    assert socket.is_enabled
    assert socket.systemd_properties["Listen"] == "0.0.0.0:4010 (Stream)"
    owners = host.check_output("ss -Hltnp 'sport = :4010'")
    assert '"systemd",pid=1,' in owners
    assert f"pid={host.check_output(f'systemctl show -P MainPID {GATEWAY_UNIT}')}," in owners
    assert len(owners.splitlines()) == 1


def test_the_service_needs_its_socket_first(host: Host) -> None:
    properties = host.service(GATEWAY_UNIT).systemd_properties
    assert SOCKET_UNIT in properties["Requires"].split()
    assert SOCKET_UNIT in properties["After"].split()


def test_the_module_knows_the_socket(host: Host) -> None:
    question = f"name={GATEWAY_UNIT} configuration={CONFIG}/gateway.yml"
    answer = host.ansible("hx.gateway.gateway_unit_info", question, check=False)
    assert answer["sockets"] == [
        {"name": SOCKET_UNIT, "active_state": "active", "listen": ["0.0.0.0:4010 (Stream)"], "stale": False}
    ]
    assert (answer["action"], answer["restart_needed"], answer["refused"]) == ("none", [], "")


def test_a_reload_by_hand_puts_a_younger_file_in_force(host: Host) -> None:
    question = f"name={GATEWAY_UNIT} configuration={CONFIG}/gateway.yml"
    host.check_output(f"touch {CONFIG}/gateway.yml")
    before = host.ansible("hx.gateway.gateway_unit_info", question, check=False)
    assert before["action"] == "reload"
    host.check_output(f"systemctl reload {GATEWAY_UNIT}")
    after = host.ansible("hx.gateway.gateway_unit_info", question, check=False)
    assert (after["action"], after["active_state"]) == ("none", "active")
    assert after["main_pid"] == before["main_pid"]
    assert after["status"] > before["status"]


async def ask(host: str, port: int) -> str:
    """Ask for /healthz on a connection of its own; return the status, or the name of what went wrong."""
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.read()).split(b" ")[1].decode()
            finally:
                writer.close()
    except (OSError, IndexError) as error:
        return type(error).__name__


async def ask_during(action: Callable[[], object], host: str, port: int) -> collections.Counter[str]:
    """Ask RATE times a second for SECONDS, whatever comes back; act after the first of them."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    asked: list[asyncio.Task[str]] = []
    acting: asyncio.Future[object] | None = None
    for number in range(RATE * SECONDS):
        await asyncio.sleep(start + number / RATE - loop.time())
        asked.append(asyncio.create_task(ask(host, port)))
        if number == RATE:
            acting = loop.run_in_executor(None, action)
    assert acting is not None
    await acting
    return collections.Counter(await asyncio.gather(*asked))


def test_a_restart_under_load_refuses_nobody(host: Host, stack: Stack) -> None:
    url = urllib.parse.urlsplit(stack.url)
    assert url.hostname is not None
    assert url.port is not None
    before = host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}")
    restart = partial(host.check_output, f"systemctl restart {GATEWAY_UNIT}")
    answers = asyncio.run(ask_during(restart, url.hostname, url.port))
    assert answers == {"200": RATE * SECONDS}
    assert host.check_output(f"systemctl show -P MainPID {GATEWAY_UNIT}") != before
