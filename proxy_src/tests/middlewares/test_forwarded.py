"""Claims about who the client is."""

from __future__ import annotations

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
