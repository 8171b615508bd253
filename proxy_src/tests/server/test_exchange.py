"""One request and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from running import gateway
from wire import ask, request

if TYPE_CHECKING:
    import pytest


async def test_errors_have_their_shape_without_the_middleware(caplog: pytest.LogCaptureFixture) -> None:
    sections = {"disable": ["errors"], "add": [{"factory": "plugins:Broken"}]}
    async with gateway(middlewares=sections) as gw:
        answer = await ask(gw.port, request("/healthz", "POST"))
        assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")
        answer = await ask(gw.port, request())
        assert (answer.status, orjson.loads(answer.body)["error"]["code"]) == (500, "internal_error")
        assert b"secret" not in answer.body
        assert "unexpected_error" in caplog.text
