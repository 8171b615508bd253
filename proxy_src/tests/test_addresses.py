"""Whose word on a client's address counts."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hx_gateway.addresses import TrustedProxies, forwarded_for, network, parse_address, x_forwarded_for

TRUSTED = TrustedProxies(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])

CHAINS = [
    ("198.51.100.1", ["1.2.3.4"], "198.51.100.1"),
    ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
    ("10.0.0.1", ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
    ("10.0.0.1", ["6.6.6.6", "1.2.3.4", "10.0.0.2", "192.0.2.7"], "1.2.3.4"),
    ("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
    ("10.0.0.1", ["6.6.6.6", "unknown", "10.0.0.2"], "10.0.0.2"),
    ("10.0.0.1", ["6.6.6.6", "_hidden"], "10.0.0.1"),
    ("10.0.0.1", ["6.6.6.6", ""], "10.0.0.1"),
    ("10.0.0.1", [], "10.0.0.1"),
    ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
    ("2001:db8::1", ["[2001:db9::1]:443"], "2001:db9::1"),
    ("10.0.0.1", ["1.2.3.4:5678"], "1.2.3.4"),
    ("not an address", ["1.2.3.4"], "not an address"),
]


@pytest.mark.parametrize(("peer", "hops", "client"), CHAINS)
def test_the_rightmost_that_is_not_trusted_is_the_client(peer: str, hops: list[str], client: str) -> None:
    assert TRUSTED.client(peer, hops) == client


@given(
    st.lists(st.ip_addresses().map(str), max_size=6),
    st.ip_addresses(v=4).filter(lambda a: a not in ipaddress.ip_network("10.0.0.0/8")).map(str),
    st.lists(st.integers(0, 255).map(lambda n: f"10.1.2.{n}"), max_size=6),
)
def test_what_a_client_claims_never_counts(claimed: list[str], real: str, proxies: list[str]) -> None:
    """Whatever a client writes, what the first proxy saw comes after it, and stands."""
    peer, *rest = [*proxies, "10.9.9.9"][::-1]
    assert TrustedProxies(["10.0.0.0/8"]).client(peer, [*claimed, real, *rest[::-1]][-32:]) == real


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = parse_address(text)
    if address is not None:
        ipaddress.ip_address(address)


@pytest.mark.parametrize(
    ("values", "hops"),
    [
        (["for=192.0.2.60;proto=http;by=203.0.113.43"], ["192.0.2.60"]),
        (['For="[2001:db8:cafe::17]:4711", for=192.0.2.43'], ["[2001:db8:cafe::17]:4711", "192.0.2.43"]),
        (["for=unknown", "proto=https"], ["unknown", ""]),
        (["by=10.0.0.1;for=_x"], ["_x"]),
    ],
)
def test_forwarded(values: list[str], hops: list[str]) -> None:
    assert forwarded_for(values) == hops


@pytest.mark.parametrize(
    ("client", "whole"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8::ffff:2", "2001:db8::"),
        ("2001:db8:0:1::1", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("not an address", "not an address"),
        ("nor:this", "nor:this"),
        ("", ""),
    ],
)
def test_what_one_client_has(client: str, whole: str) -> None:
    assert network(client) == whole


def test_x_forwarded_for() -> None:
    assert x_forwarded_for(["1.2.3.4,  5.6.7.8", "9.9.9.9"]) == ["1.2.3.4", "5.6.7.8", "9.9.9.9"]


@settings(max_examples=200)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_no_header_breaks_it(values: list[str]) -> None:
    for read in (forwarded_for, x_forwarded_for):
        client = TRUSTED.client("10.0.0.1", read(values))
        ipaddress.ip_address(client)
