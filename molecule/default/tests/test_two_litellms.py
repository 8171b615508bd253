"""Two LiteLLM processes behind one gateway: both answer, and who asks next does not notice that one was killed."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator

import openai
import pytest
from checks.stack import BASE, LITELLM_UNIT, Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

SECOND = "hx-litellm-second.service"
GATEWAY = "hx-gateway-two.service"
PORT = 4020
ADDRESSES = ("127.0.0.1:4000", "127.0.0.1:4002")


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The deployed stack."""
    return describe(host)


@pytest.fixture(scope="module")
def client(host: Host, stack: Stack) -> Iterator[openai.OpenAI]:
    """A client of a gateway before two LiteLLMs: the deployed one, and one more as it is, on another port."""
    address = urllib.parse.urlsplit(stack.url).hostname
    config = {
        "listen": {"address": address, "port": PORT},
        "upstream": {
            "url": f"http://{ADDRESSES[0]}",
            "more_urls": [f"http://{ADDRESSES[1]}"],
            "checks": {"interval": 1, "failures": 1},
            "slow_start": 0,
        },
    }
    try:
        for command in (
            f"sed 's/--port 4000 /--port 4002 /' /etc/systemd/system/{LITELLM_UNIT} > /run/systemd/system/{SECOND}",
            f"grep -q -- '--port 4002 ' /run/systemd/system/{SECOND}",
            f"systemctl daemon-reload && systemctl start {SECOND}",
            f"echo '{json.dumps(config)}' > /run/hx-gateway-two.yml && chmod 644 /run/hx-gateway-two.yml",
            f"systemd-run --quiet --unit={GATEWAY} --uid=hx-gateway --property=Type=notify"
            f" {BASE}/gateway/current/venv/bin/hx-gateway --config /run/hx-gateway-two.yml",
        ):
            host.check_output(command)
        yield openai.OpenAI(base_url=f"http://{address}:{PORT}/v1", api_key=stack.master_key, max_retries=0, timeout=60)
    finally:
        host.run(f"systemctl stop {GATEWAY} {SECOND}; rm -f /run/systemd/system/{SECOND} /run/hx-gateway-two.yml")
        host.run("systemctl daemon-reload; systemctl reset-failed")


def served(host: Host, number: int) -> Counter[str]:
    """Count the first `number` answers by the LiteLLM that gave them, once the access log has them."""
    deadline = time.monotonic() + 10
    upstreams: list[str] = []
    while len(upstreams) < number and time.monotonic() < deadline:
        journal = f"journalctl -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID {GATEWAY})"
        lines = host.check_output(journal).splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        requests = [record for record in records if record.get("path") == "/v1/models"]
        assert {record["status"] for record in requests} <= {200}
        upstreams = [record["upstream"] for record in requests]
    assert len(upstreams) == number
    return Counter(upstreams)


def until_ready(client: openai.OpenAI, number: int) -> None:
    """Wait until /readyz counts `number` LiteLLMs that can serve."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        answer = client._client.get(f"{str(client.base_url).removesuffix('/v1/')}/readyz")
        if answer.json()["upstreams"] == {"ready": number, "all": 2}:
            return
        time.sleep(0.2)
    pytest.fail(f"never {number} LiteLLMs that are ready")


def ask(client: openai.OpenAI, number: int) -> None:
    """Ask that often; every answer has to be one."""
    for _ in range(number):
        assert client.models.list().data


def until_second_answers(host: Host, client: openai.OpenAI, asked: int, known: int) -> int:
    """Ask until the second LiteLLM has given more than `known` answers; return how often was asked in all.

    That it is ready does not say that the gateway's next check has found it so.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ask(client, 2)
        asked += 2
        if served(host, asked)[ADDRESSES[1]] > known:
            return asked
        time.sleep(0.2)
    pytest.fail("the second LiteLLM is asked nothing")


def test_both_answer_and_one_that_is_killed_is_not_noticed(host: Host, client: openai.OpenAI) -> None:
    first, second = ADDRESSES
    until_ready(client, 2)
    asked = until_second_answers(host, client, 0, 0)
    before = served(host, asked)
    ask(client, 12)
    asked += 12
    both = served(host, asked)
    # they take turns, but for a readiness check that is under way
    assert min(both[first] - before[first], both[second] - before[second]) >= 3
    host.check_output(f"systemctl kill --kill-who=all --signal=KILL {SECOND} && systemctl stop {SECOND}")
    ask(client, 12)
    asked += 12
    assert served(host, asked) == {first: both[first] + 12, second: both[second]}
    until_ready(client, 1)
    host.check_output(f"systemctl reset-failed {SECOND}; systemctl start {SECOND}")
    until_ready(client, 2)
    until_second_answers(host, client, asked, both[second])
