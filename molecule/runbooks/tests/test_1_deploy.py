"""The stack is deployed by its runbook; the others that a quiet day needs hold good."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import openai
import pytest
from checks.site import PROJECT
from checks.stack import CONFIG, GATEWAY_UNIT, SOCKET_UNIT, Stack
from site_operator import BEFORE, CHECKOUT, VAULT_PASSWORD, Operator
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

LOCK = "/run/hx-gateway.lock"
GOES_ON = "/run/hx-test-goes-on"
HOLD = PROJECT / "molecule/safety/tests/hold.yml"


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def status_of(host: Host) -> str:
    return str(host.check_output(f"systemctl show -P StatusText {GATEWAY_UNIT}"))


def test_deploy(host: Host, stack: Stack, operator: Operator, works: Callable[[str], None]) -> None:
    if host.file(CONFIG).exists:
        pytest.skip("the stack is deployed already")
    operator.decide(**BEFORE)
    vault = operator.inventory / "group_vars/all/vault.yml"
    with operator.reads("deploy") as page:
        page.block()
        # As its comment says: the database is on the gateway's own host.
        text = vault.read_text().replace('vault_hx_backup_password: ""\n', "")
        for name, value in {**operator.secrets, "hx_openai_api_key": "none"}.items():
            text = text.replace(f'vault_{name}: ""', f"vault_{name}: '{value}'")
        assert '""' not in text
        vault.write_text(text)
        page.section("The first time")
        assert vault.read_text().startswith("$ANSIBLE_VAULT")
        page.section("See first, then do")
        works(stack.master_key)
        page.section("Afterwards")
    assert list((CHECKOUT / "drift").iterdir())


@pytest.fixture
def first_run(host: Host, operator: Operator) -> Iterator[subprocess.Popen[str]]:
    """A run that has the lock and does not end."""
    run = subprocess.Popen(
        [
            "ansible-playbook",
            "-i",
            "inventories/production",
            "--ask-vault-pass",
            PROJECT / "molecule/safety/tests/hold.yml",
        ],
        cwd=CHECKOUT,
        env=operator.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert run.stdin
    run.stdin.write(f"{VAULT_PASSWORD}\n")
    run.stdin.flush()
    until(lambda: bool(host.file(GOES_ON).exists))
    yield run
    host.check_output(f"rm -rf {GOES_ON}")
    run.communicate(timeout=60)


def test_locks(
    host: Host, stack: Stack, operator: Operator, works: Callable[[str], None], first_run: subprocess.Popen[str]
) -> None:
    with operator.reads("locks") as page:
        assert f'"pid": {first_run.pid}' in page.section("Whose lock it is").replace('\\"', '"')
        said = page.section("Break it")
        assert "took over the lock" in said
    output, _none = first_run.communicate(timeout=60)
    assert first_run.returncode == -signal.SIGTERM
    assert "Another run has taken the lock" in output
    until(lambda: not host.file(LOCK).exists)
    works(stack.master_key)


def test_configuration(host: Host, stack: Stack, operator: Operator, works: Callable[[str], None]) -> None:
    link = f"{CONFIG}/planted.env"
    host.check_output("echo '# by hand' >>/etc/redis/redis.conf")
    said = operator.play("playbooks/site.yml", "--tags redis")
    assert "was changed by hand" in " ".join(said.split())
    host.check_output(f"ln -s /etc/shadow {link}")
    try:
        with operator.reads("configuration") as page:
            found = page.section("A file was changed by hand")
            assert "/var/lib/hx-gateway/replaced/etc/redis/redis.conf.2" in found
            assert f"{link} -> /etc/shadow" in page.section("A link in the place of a file")
    finally:
        host.check_output(f"rm {link}")
    assert "by hand" not in host.file("/etc/redis/redis.conf").content_string
    works(stack.master_key)


def test_restart(host: Host, stack: Stack, operator: Operator, works: Callable[[str], None]) -> None:
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.master_key, max_retries=0, timeout=120)
    config = f"{CONFIG}/gateway.yml"

    def wait_long() -> None:
        with pytest.raises(openai.APIError):
            client.chat.completions.create(
                model="openai-chat", messages=[{"role": "user", "content": "sleep:60 please"}]
            )

    with operator.reads("restart") as page:
        running, *_named = page.section("What runs").splitlines()
        assert SOCKET_UNIT in running
        host.check_output(f"touch {config}")
        assert "StatusText=Serving with the configuration of " in page.section("Reload: `gateway.yml` changed")
        heading = "Restart: the environment, the release or the unit changed"
        page.block()
        works(stack.master_key)
        long_request = threading.Thread(target=wait_long)
        long_request.start()
        time.sleep(3)
        host.check_output(f"systemctl restart --no-block {GATEWAY_UNIT}")
        until(lambda: status_of(host).startswith("Draining"), 20)
        began = time.monotonic()
        page.section(heading)
        works(stack.master_key)
        assert time.monotonic() - began < 30
        long_request.join()

        page.section("Another address or port")
        works(stack.master_key)

        page.block()
        assert host.run(f"systemctl is-active {SOCKET_UNIT} {GATEWAY_UNIT}").stdout.split() == ["inactive"] * 2
        page.block()
        assert host.run(f"systemctl is-enabled {SOCKET_UNIT} {GATEWAY_UNIT}").stdout.split() == ["disabled"] * 2
        page.section("Stop")
        assert host.run(f"systemctl is-enabled {SOCKET_UNIT} {GATEWAY_UNIT}").stdout.split() == ["enabled"] * 2
        works(stack.master_key)

        host.check_output(f"cp -a {config} /root/kept.yml && echo 'no_such_key: 1' >>{config}")
        assert host.run(f"systemctl restart {GATEWAY_UNIT}").rc != 0
        assert "no_such_key" in page.block()
        host.check_output(f"mv /root/kept.yml {config}")
        page.section("It does not start")
    works(stack.master_key)
