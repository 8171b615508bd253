"""What of HTTP is not offered."""

from __future__ import annotations

import orjson

from running import gateway
from wire import ask, request, upstream


async def test_other_expectations_fail() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/x", "POST", ["Expect: a-pony"], b"abc"))
        assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (417, "expectation_failed")
        assert up.seen == []
