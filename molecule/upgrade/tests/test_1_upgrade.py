"""LiteLLM is upgraded under load, and loses and refuses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from checks.load import Load
from checks.stack import LITELLM_UNIT, Stack
from testinfra.host import Host
from upgrading import migrations, release, upgrade

testinfra_hosts = ["ansible://gateway"]

# Rows of the requests that virtual keys of these checks have made.
LOGGED = """SELECT count(*) FROM "LiteLLM_SpendLogs" s JOIN "LiteLLM_VerificationToken" t ON t.token = s.api_key
    WHERE t.key_alias LIKE %s"""


@contextmanager
def management_asked(host: Host) -> Iterator[list[float]]:
    """Ask LiteLLM's own API, twice a second from its host; gathers when it did not answer."""
    refused: list[float] = []
    program = (
        "import sys, time, urllib.request\n"
        "while True:\n"
        "    try: urllib.request.urlopen('http://127.0.0.1:4000/health/liveliness', timeout=5).read()\n"
        "    except OSError: print(time.time(), flush=True)\n"
        "    time.sleep(0.5)\n"
    )
    host.check_output("systemd-run --unit=hx-management-probe --collect python3 -c %s", program)
    try:
        yield refused
    finally:
        host.check_output("systemctl stop hx-management-probe")
        said = host.check_output("journalctl --output=cat --unit=hx-management-probe --no-pager").splitlines()
        refused += [float(line) for line in said if line.replace(".", "").isdigit()]


def test_an_upgrade_loses_nothing_and_refuses_nothing(
    host: Host, stack: Stack, key: str, query: Callable[..., list[str]], digests: Callable[[], dict[str, str]]
) -> None:
    before, applied = digests(), migrations(host)
    with management_asked(host) as refused, Load(stack.url, key) as load:
        run = upgrade()
    assert run.status == 0, run.output
    assert release(host) != "1.104.0"
    assert migrations(host) > applied
    assert digests() == before
    away = refused[-1] - refused[0] if refused else 0.0
    print(f"LiteLLM's own port was away for {away:.1f} s")
    load.nobody_noticed()
    assert host.service(LITELLM_UNIT).is_running
    assert not host.service("hx-litellm-bridge").is_running
    deadline = time.monotonic() + 60
    while (rows := int(query(LOGGED, "upgrade-%")[0])) < load.counts.answered and time.monotonic() < deadline:
        time.sleep(2)
    assert rows == load.counts.answered
    assert upgrade("--check").status == 0
