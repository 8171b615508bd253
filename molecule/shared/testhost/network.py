"""The bridge network all test hosts share, on a subnet nobody else uses here."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING

from testhost.engine import LABEL, exists, podman, podman_json
from testhost.shell import HarnessError, output, run, say

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "hx-gateway-net"
CANDIDATES = ipaddress.IPv4Network("10.97.0.0/16")
FIRST_HOST = 10


def free_subnet(taken: Iterable[str]) -> ipaddress.IPv4Network:
    """Return the first candidate /24 that overlaps none of the networks taken."""
    others = [ipaddress.IPv4Network(each, strict=False) for each in taken]
    for subnet in CANDIDATES.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in others):
            return subnet
    raise HarnessError(f"Every /24 of {CANDIDATES} is in use on this machine.")


def free_address(subnet: ipaddress.IPv4Network, taken: Iterable[str]) -> str:
    """Return the lowest address for a test host that none has yet."""
    used = set(taken)
    for address in list(subnet.hosts())[FIRST_HOST - 1 :]:
        if str(address) not in used:
            return str(address)
    raise HarnessError(f"No address is left in {subnet}; destroy some test hosts.")


def hardware_address(address: str) -> str:
    """Return the hardware address of an address: always the same, so that neighbours need not learn it again."""
    return "0a:58:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)


def keep_bridge_address() -> None:
    """Give the bridge a hardware address of its own.

    Without one it takes over that of one of its ports: whenever a host comes or goes, the others may go on answering to
    an address that is no longer there, for as long as ten seconds.
    """
    described = podman_json("network", "inspect", NAME)[0]
    gateway = described["subnets"][0]["gateway"]
    link, wanted = described["network_interface"], hardware_address(gateway)
    shown = json.loads(output(["ip", "-json", "link", "show", "dev", link]))
    if shown[0]["address"] != wanted:
        run(["ip", "link", "set", "dev", link, "address", wanted], as_root=True)


def _taken_subnets() -> list[str]:
    routes = json.loads(output(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]")
    found = [
        route["dst"] for route in routes if route["dst"] != "default" and route.get("type", "unicast") == "unicast"
    ]
    for network in podman_json("network", "ls", "--format", "json"):
        found += [each["subnet"] for each in network.get("subnets") or [] if ":" not in each["subnet"]]
    return found


def subnet() -> ipaddress.IPv4Network:
    """Return the network's subnet, making the network where there is none."""
    if not exists("network", NAME):
        chosen = free_subnet(_taken_subnets())
        say(f"Making the network {NAME} ({chosen})")
        podman("network", "create", "--label", f"{LABEL}=network", "--subnet", str(chosen), NAME)
        return chosen
    described = podman_json("network", "inspect", NAME)[0]
    return ipaddress.IPv4Network(described["subnets"][0]["subnet"])


def remove() -> None:
    """Remove the network, if it is there."""
    if exists("network", NAME):
        try:
            podman("network", "rm", NAME)
        except HarnessError:  # another checkout, whose lock is another, may have been quicker
            if exists("network", NAME):
                raise
