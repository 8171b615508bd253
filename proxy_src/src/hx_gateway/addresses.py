"""Addresses of clients, and whose word on them counts."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOR = re.compile(r'\bfor=(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)
_PORT = re.compile(r"\[(.+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
_MOST = 32
"""Hops that are looked at; real chains have two or three."""


class TrustedProxies:
    """The proxies whose word on their clients counts."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]
        self.include = lru_cache(maxsize=4096)(self._include)
        """Say whether an address is one of theirs."""

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _include(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)

    def client(self, peer: str, hops: list[str]) -> str:
        """Return the client behind `peer`: the rightmost of `hops` that is not a trusted proxy.

        Every hop was written by the one to its right, so the first that is not trusted, or is not an address
        (RFC 7239 section 6), ends what can be known.
        """
        client = peer
        for hop in reversed(hops[-_MOST:]):
            if not self.include(client):
                break
            address = parse_address(hop)
            if address is None:
                break
            client = address
        return client


@lru_cache(maxsize=4096)
def network(client: str) -> str:
    """Return what one client has: an IPv4 address, or 64 bits of IPv6 (RFC 4862), of which each host has many."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client)
    except ValueError:
        return client
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address) >> 64 << 64))


def x_forwarded_for(values: list[str]) -> list[str]:
    """Return the hops in the values of X-Forwarded-For, nearest last."""
    return [hop.strip() for hop in ",".join(values).split(",")]


def forwarded_for(values: list[str]) -> list[str]:
    """Return the `for` of each element of Forwarded (RFC 7239 section 4), nearest last; "" where one has none."""
    hops = []
    for element in ",".join(values).split(","):
        match = _FOR.search(element)
        hops.append((match[1] or match[2] or "") if match else "")
    return hops


def parse_address(text: str) -> str | None:
    """Return the address in `text`, which may have brackets and a port; None if there is none."""
    match = _PORT.fullmatch(text)
    if match is not None:
        text = match[1] or match[2]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
