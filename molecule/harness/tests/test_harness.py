"""The test host is a Debian server as far as units can tell, and the provider answers on it."""

from __future__ import annotations

import json

from testinfra.host import Host

testinfra_hosts = ["ansible://all"]

PROVIDER = "http://127.0.0.1:11434"


def test_systemd_runs_without_failed_units(host: Host) -> None:
    assert host.check_output("systemctl is-system-running") == "running"
    assert host.check_output("systemctl --failed --no-legend") == ""


def test_a_unit_gets_its_sandbox(host: Host) -> None:
    properties = ("DynamicUser=yes", "ProtectSystem=strict", "PrivateTmp=yes", "PrivateDevices=yes", "PrivateUsers=yes")
    options = " ".join(f"--property {each}" for each in properties)
    tried = host.run(f"systemd-run --quiet --wait --pipe --collect {options} touch /usr/forbidden")
    assert tried.rc != 0
    assert "Read-only file system" in tried.stderr
    allowed = host.run(f"systemd-run --quiet --wait --pipe --collect {options} touch /tmp/allowed")
    assert allowed.rc == 0
    assert not host.file("/tmp/allowed").exists, "the unit's /tmp is its own"


def test_hosts_find_each_other_by_name(host: Host) -> None:
    name = host.check_output("hostname")
    assert host.check_output("getent hosts %s", name).split()[0] in host.check_output("ip -4 -brief address")


def test_packages_are_kept_for_the_next_host(host: Host) -> None:
    assert host.mount_point("/var/cache/apt/archives").exists
    assert host.mount_point("/root/.cache/pip").exists


def test_the_provider_answers_and_records(host: Host) -> None:
    assert host.service("hx-provider-standin").is_running
    assert host.service("hx-provider-standin").is_enabled
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "is anybody there"}]})
    program = (
        "import sys, urllib.request as u;"
        "print(u.urlopen(sys.argv[1], sys.argv[2].encode() if len(sys.argv) > 2 else None).read().decode())"
    )
    answer = json.loads(host.check_output("python3 -c %s %s %s", program, f"{PROVIDER}/v1/chat/completions", body))
    assert answer["choices"][0]["message"]["content"] == "is anybody there"
    recorded = json.loads(host.check_output("python3 -c %s %s", program, f"{PROVIDER}/_record"))
    assert recorded["requests"][-1]["body"]["model"] == "m"


def test_the_provider_is_reachable_from_the_host_alone(host: Host) -> None:
    assert host.socket("tcp://127.0.0.1:11434").is_listening
