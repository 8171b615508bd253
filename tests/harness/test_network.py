"""Which subnet and which addresses test hosts get."""

from __future__ import annotations

import ipaddress

import pytest
from testhost import network
from testhost.network import CANDIDATES, free_address, free_subnet, hardware_address
from testhost.shell import HarnessError


def test_a_subnet_in_use_is_passed_over() -> None:
    assert str(free_subnet(["192.0.2.0/24"])) == "10.97.0.0/24"
    assert str(free_subnet(["10.97.0.0/23", "10.97.2.77"])) == "10.97.3.0/24"


def test_no_subnet_is_an_error_that_says_so() -> None:
    with pytest.raises(HarnessError, match="in use"):
        free_subnet([str(CANDIDATES.supernet())])


def test_addresses_are_given_from_the_lowest() -> None:
    subnet = ipaddress.IPv4Network("10.97.5.0/24")
    assert free_address(subnet, []) == "10.97.5.10"
    assert free_address(subnet, ["10.97.5.10", "10.97.5.12"]) == "10.97.5.11"


def test_a_full_subnet_is_an_error_that_says_so() -> None:
    subnet = ipaddress.IPv4Network("10.97.5.0/28")
    with pytest.raises(HarnessError, match="No address is left"):
        free_address(subnet, [str(address) for address in subnet])


def test_an_address_has_one_hardware_address_for_good() -> None:
    assert hardware_address("10.97.0.11") == "0a:58:0a:61:00:0b"
    assert hardware_address("10.97.0.1") != hardware_address("10.97.1.1")


@pytest.mark.parametrize("there_after", [True, False])
def test_somebody_elses_removal_at_the_same_time_is_no_error(
    monkeypatch: pytest.MonkeyPatch, there_after: bool
) -> None:
    there = iter([True, there_after])

    def fail(*_: str) -> None:
        raise HarnessError("network not found")

    monkeypatch.setattr(network, "exists", lambda *_: next(there))
    monkeypatch.setattr(network, "podman", fail)
    if there_after:
        with pytest.raises(HarnessError):
            network.remove()
    else:
        network.remove()
