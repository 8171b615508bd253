"""Claims about who the client is."""

from __future__ import annotations

import pytest

from running import gateway
from wire import ask, request, upstream

CLAIMS = [
    "Forwarded: for=1.2.3.4",
    "X-Forwarded-For: 1.2.3.4",
    "x-forwarded-for: 5.6.7.8",
    "X-Forwarded-Host: evil",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Prefix: /x",
    "X-Real-IP: 1.2.3.4",
]


async def test_claims_of_clients_are_replaced() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        await ask(gw.port, request(headers=CLAIMS))
        seen = up.seen[0]
        assert seen.all("X-Forwarded-For") == ["127.0.0.1"]
        assert seen.all("X-Forwarded-Proto") == ["http"]
        for name in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Real-IP"):
            assert seen.all(name) == []


async def test_left_out_they_pass() -> None:
    async with upstream() as up, gateway(up.url, middlewares={"disable": ["forwarded"]}) as gw:
        await ask(gw.port, request(headers=CLAIMS))
        assert up.seen[0].all("X-Forwarded-For") == ["1.2.3.4", "5.6.7.8"]


@pytest.mark.parametrize(
    ("header", "sent", "client"),
    [
        ("x-forwarded-for", ["X-Forwarded-For: 6.6.6.6, 192.0.2.1", "Forwarded: for=7.7.7.7"], "192.0.2.1"),
        ("x-forwarded-for", ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.1, 127.0.0.9"], "192.0.2.1"),
        ("x-forwarded-for", ["Forwarded: for=7.7.7.7"], "127.0.0.1"),
        ("forwarded", ["Forwarded: for=6.6.6.6, for=192.0.2.1;proto=https", "X-Forwarded-For: 7.7.7.7"], "192.0.2.1"),
        ("forwarded", ['Forwarded: for="[2001:db8::1]:80"'], "2001:db8::1"),
    ],
)
async def test_trusted_proxies_are_believed(header: str, sent: list[str], client: str) -> None:
    forwarded = {"trusted_proxies": ["127.0.0.0/8"], "header": header}
    async with upstream() as up, gateway(up.url, forwarded=forwarded) as gw:
        await ask(gw.port, request(headers=[*sent, "X-Forwarded-Proto: https", "X-Forwarded-Host: evil"]))
        seen = up.seen[0]
        assert seen.all("X-Forwarded-For") == [client]
        assert seen.all("X-Forwarded-Proto") == ["https"]
        assert (seen.get("Forwarded"), seen.get("X-Forwarded-Host")) == (None, None)
    assert [line["client"] for line in gw.log()] == [client]


async def test_others_are_not() -> None:
    async with upstream() as up, gateway(up.url, forwarded={"trusted_proxies": ["10.0.0.0/8"]}) as gw:
        await ask(gw.port, request(headers=CLAIMS))
        assert up.seen[0].all("X-Forwarded-For") == ["127.0.0.1"]
        assert up.seen[0].all("X-Forwarded-Proto") == ["http"]
