"""Whether a key is good, as LiteLLM says it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.cache.access import KeyAccess, Verdict
from hx_gateway.message import BytesBody, Request
from hx_gateway.upstream.aiohttp_client import AiohttpUpstream

from running import configured
from wire import Upstream, chunk, reply, say, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wire import Play


def models(*names: str) -> bytes:
    return reply(200, orjson.dumps({"data": [{"id": name} for name in names]}), ["Content-Type: application/json"])


def request(model: str = "m", key: str = "k") -> Request:
    headers = CIMultiDict({"authorization": f"Bearer sk-{key}", "x-api-key": "sk-x", "Cookie": "c"})
    made = Request("POST", "/v1/embeddings", headers, BytesBody(b""))
    made.document = {"model": model}
    made.key = key
    made.id = "req-1"
    return made


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def asking(play: Play, clock: Clock | None = None) -> AsyncIterator[tuple[KeyAccess, Upstream]]:
    async with upstream(play) as server:
        client = AiohttpUpstream(configured(server.url).upstream)
        try:
            yield KeyAccess(client, 60, clock or Clock()), server
        finally:
            await client.aclose()


async def test_a_listed_model_is_good_for_its_time() -> None:
    clock = Clock()
    async with asking(say(models("m", "n")), clock) as (access, server):
        assert not access.is_known(request())
        assert await access.ask(request()) is Verdict.GOOD
        assert access.is_known(request())
        assert not access.is_known(request("n"))  # only what was asked for is remembered
        assert not access.is_known(request(key="other"))
        clock.now = 59.9
        assert access.is_known(request())
        clock.now = 60
        assert not access.is_known(request())
        assert access.is_known(request(), grace=1)
    seen = server.seen[0]
    assert (seen.method, seen.target) == ("GET", "/v1/models")
    assert (seen.get("Authorization"), seen.get("x-api-key")) == ("Bearer sk-k", "sk-x")
    assert (seen.get("Cookie"), seen.get("x-request-id")) == (None, "req-1")


async def test_one_answer_renews_every_model_of_the_key() -> None:
    clock = Clock()
    async with asking(say(models("m", "n")), clock) as (access, _):
        access.prove(request("n"), 0)
        access.prove(request("gone"), 0)
        clock.now = 30
        await access.ask(request("m"))
        clock.now = 89
        assert access.is_known(request("n"))
        assert not access.is_known(request("gone"))


async def test_a_model_that_is_not_listed() -> None:
    async with asking(say(models("n"))) as (access, _):
        assert await access.ask(request()) is Verdict.UNLISTED
        assert not access.is_known(request())


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_key_is_forgotten(status: int) -> None:
    async with asking(say(reply(status, b"{}"))) as (access, _):
        access.prove(request("n"), 0)
        assert await access.ask(request()) is Verdict.REFUSED
        assert not access.is_known(request("n"))


@pytest.mark.parametrize(
    "data", [reply(500, b"{}"), reply(429, b"{}"), reply(200, b"{"), reply(503), b"HTTP/1.1 nonsense\r\n\r\n"]
)
async def test_what_says_nothing_leaves_what_was_known(data: bytes) -> None:
    async with asking(say(data)) as (access, _):
        access.prove(request("n"), 0)
        assert await access.ask(request()) is Verdict.UNKNOWN
        assert access.is_known(request("n"))


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data":{}}', b'{"data":[1,{"id":2},{}]}', b"null"])
async def test_what_is_no_list_lists_nothing(body: bytes) -> None:
    async with asking(say(reply(200, body))) as (access, _):
        assert await access.ask(request()) is Verdict.UNLISTED


async def test_those_who_ask_at_once_share_one_question_and_none_can_take_it_away() -> None:
    async def slowly(_: object, __: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(models("m"))

    async with asking(slowly) as (access, server):
        first = asyncio.create_task(access.ask(request()))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(access.ask(request())) for _ in range(9)]
        await asyncio.sleep(0.01)
        first.cancel()
        assert await asyncio.gather(*others) == [Verdict.GOOD] * 9
        assert len(server.seen) == 1
        await access.ask(request())
        assert len(server.seen) == 2


async def test_a_proof_is_as_old_as_the_request_that_brought_it() -> None:
    clock = Clock()
    async with asking(say(models("m")), clock) as (access, _):
        clock.now = 100
        access.prove(request(), 50)
        access.prove(request(), 40)
        clock.now = 109
        assert access.is_known(request())
        clock.now = 110
        assert not access.is_known(request())


async def test_what_is_disproved_is_forgotten() -> None:
    async with asking(say(b"")) as (access, _):
        for model in ("m", "n"):
            access.prove(request(model), 0)
        access.disprove(request("m"), model_only=True)
        assert [access.is_known(request(model)) for model in ("m", "n")] == [False, True]
        access.disprove(request("m"))
        assert not access.is_known(request("n"))
        access.disprove(request("m"), model_only=True)


async def test_memory_is_bounded() -> None:
    async with asking(say(b"")) as (access, _):
        for number in range(9000):
            access.prove(request(key=f"k{number}"), 0)
        for number in range(100):
            access.prove(request(f"m{number}", "k8999"), 0)
        assert not access.is_known(request(key="k0"))
        assert not access.is_known(request("m0", "k8999"))
        assert access.is_known(request("m99", "k8999"))


async def test_a_list_is_read_in_pieces_too() -> None:
    body = orjson.dumps({"data": [{"id": "m"}]})

    async def halves(_: object, __: object, writer: asyncio.StreamWriter) -> None:
        whole = reply(200, body)
        writer.write(whole[:-10])
        await asyncio.sleep(0.02)
        writer.write(whole[-10:])

    async with asking(halves) as (access, _):
        assert await access.ask(request()) is Verdict.GOOD


async def test_a_list_without_end_is_given_up() -> None:
    async def endless(_: object, __: object, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False))
        while not writer.is_closing():
            writer.write(chunk(b"x" * 65536))
            await writer.drain()

    async with asking(endless) as (access, _):
        assert await access.ask(request()) is Verdict.UNKNOWN
