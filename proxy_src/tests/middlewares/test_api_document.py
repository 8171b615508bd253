"""The document is served, and the running gateway does what it says (checked by schemathesis)."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hx_gateway.api_document import api_document

from running import gateway
from wire import ask, reply, request, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wire import Seen


async def as_litellm(seen: Seen, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be ready, and know no key."""
    if seen.target == "/health/readiness":
        writer.write(reply(200, b'{"status":"healthy","db":"connected"}', ["Content-Type: application/json"]))
    else:
        error = {"message": "no", "type": "auth_error", "param": None, "code": "401", "request_id": None}
        writer.write(reply(401, orjson.dumps({"error": error}), ["Content-Type: application/json"]))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run a gateway in a thread of its own, in front of an upstream that answers like LiteLLM."""
    port: list[int] = []
    started, stop = threading.Event(), threading.Event()

    async def run() -> None:
        async with upstream(as_litellm) as up, gateway(up.url) as gw:
            port.append(gw.port)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait(10)
    yield f"http://127.0.0.1:{port[0]}"
    stop.set()
    thread.join(10)


@pytest.mark.parametrize("path", sorted(api_document()["paths"]))
def test_the_gateway_answers_as_described(address: str, path: str) -> None:
    described = schemathesis.openapi.from_url(f"{address}/openapi.json")
    methods = sorted(described[path])
    assert methods

    @settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(st.sampled_from(methods).flatmap(lambda method: described[path][method].as_strategy()))
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=address)

    check()


async def test_only_get_and_head_are_allowed() -> None:
    async with gateway() as gw:
        answer = await ask(gw.port, request("/openapi.json"))
        assert orjson.loads(answer.body)["openapi"] == "3.1.0"
        head = await ask(gw.port, request("/openapi.json", "HEAD"), method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert (await ask(gw.port, request("/openapi.json", "POST"))).status == 405
