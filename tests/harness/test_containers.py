"""The harness against the real engine: it touches only what it made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from testhost import access, container, image
from testhost.engine import podman
from testhost.shell import HarnessError

COMMAND = Path(__file__).resolve().parents[2] / "molecule/shared/bin/testhost"
FOREIGN = "hx-gateway-not-ours"


@pytest.mark.parametrize("name", ["web", "hx-gateway-", "hx-gateway-A", "hx-gateway-a b", "hx-gateway-" + "a" * 60])
def test_a_name_outside_the_projects_is_refused(name: str) -> None:
    with pytest.raises(HarnessError, match="name is hx-gateway-"):
        container.up(name, "bookworm")


def test_an_unknown_release_is_refused_by_name() -> None:
    with pytest.raises(HarnessError, match="'sid'; there are: bookworm, trixie"):
        image.ensure("sid")


def test_a_container_of_somebody_else_is_left_alone() -> None:
    podman("create", "--name", FOREIGN, image.ensure("bookworm"))
    try:
        assert container.find(FOREIGN) is None
        for attempt in (["up", FOREIGN], ["destroy", FOREIGN]):
            result = subprocess.run([COMMAND, *attempt], capture_output=True, text=True, check=False)
            assert result.returncode == 1
            assert "left alone" in result.stderr
            assert "Traceback" not in result.stderr
        assert json.loads(podman("inspect", FOREIGN).stdout)[0]["Name"] == FOREIGN
    finally:
        podman("rm", "--force", FOREIGN)


def test_what_is_not_there_is_not_rebooted() -> None:
    with pytest.raises(HarnessError, match="no test host hx-gateway-nobody"):
        container.reboot("hx-gateway-nobody", hard=False)


def test_destroying_what_is_not_there_is_no_error() -> None:
    container.destroy("hx-gateway-never-made")


def test_the_image_key_follows_the_recipe() -> None:
    words = image.recipe("bookworm")
    assert image.digest(words) == image.digest(list(words))
    assert image.digest(words) != image.digest([*words, "--include=vim"])
    assert image.digest(words) != image.digest(image.recipe("trixie"))


def test_ssh_and_ansible_are_told_the_same_addresses() -> None:
    addresses = {"hx-gateway-b": "10.97.0.11", "hx-gateway-a": "10.97.0.10"}
    assert "Host hx-gateway-a 10.97.0.10\n    HostName 10.97.0.10\n" in access.config(addresses)
    written = access.inventory(addresses, "10.97.0.0/24")
    hosts = json.loads(written[written.index("{") :])["all"]["hosts"]
    assert {name: variables["ansible_host"] for name, variables in hosts.items()} == addresses
    assert hosts["hx-gateway-a"]["testhost_network"] == "10.97.0.0/24"
