"""No secret stands where somebody could come across it: command lines, units, journals, facts, files."""

from __future__ import annotations

import json

import pytest
from checks.stack import CONFIG, GATEWAY_UNIT, LITELLM_UNIT, MIGRATE_UNIT, Stack
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

PLACES = {
    "command lines": "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done 2>/dev/null",
    "unit properties": f"systemctl show {GATEWAY_UNIT} {LITELLM_UNIT} {MIGRATE_UNIT}",
    "unit files": "cat /etc/systemd/system/hx-*",
    "journal": "journalctl --no-pager --output=cat",
    "configuration that is not an environment file": f"cat {CONFIG}/*.yml {CONFIG}/*.yaml",
    "syslog and package logs": "cat /var/log/*.log /var/log/*/*.log 2>/dev/null; true",
}


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_in(host: Host, stack: Stack, place: str) -> None:
    text = host.run(PLACES[place]).stdout
    assert text, "there is something to look through"
    assert [form for form in stack.forms_of_secrets() if form in text] == []


def test_no_secret_in_facts(host: Host, stack: Stack) -> None:
    facts = json.dumps(host.ansible("ansible.builtin.setup", check=False))
    assert [form for form in stack.forms_of_secrets() if form in facts] == []


def test_a_secret_would_be_found(host: Host, stack: Stack) -> None:
    text = host.run(f"cat {CONFIG}/*.env").stdout
    assert [form for form in stack.forms_of_secrets() if form in text]
