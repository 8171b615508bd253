"""Which server gets a request, and which requests are sent again."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import (
    MalformedRequestError,
    UpstreamBrokenError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from upstream.several import Server, ask_of, balancer, readiness, servers, settings, upstreams

from running import gateway
from wire import FORM, Seen, ask, chunk, client, echo, reply, request, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEALTHY = {"status": "healthy", "db": "connected"}


async def test_the_one_with_the_least_under_way() -> None:
    made = servers()
    made[0].outstanding, made[1].outstanding, made[2].outstanding = 3, 1, 2
    client = balancer(made)
    assert [await ask_of(client) for _ in range(4)] == ["s1:1"] * 4


async def test_equals_take_turns() -> None:
    client = balancer(servers())
    counted = Counter([await ask_of(client) for _ in range(30)])
    assert counted == {"s0:1": 10, "s1:1": 10, "s2:1": 10}


async def test_the_preferred_one_while_it_is_well() -> None:
    made = servers()
    made[2].outstanding = 50
    client = balancer(made, breaker={"failures": 1, "pause": 100}, retries={"attempts": 1})
    assert [await ask_of(client, prefer="s2:1") for _ in range(3)] == ["s2:1"] * 3
    assert await ask_of(client, prefer="elsewhere:1") != "s2:1"
    made[2].error = UpstreamBrokenError()
    with pytest.raises(UpstreamBrokenError):
        await ask_of(client, prefer="s2:1")
    made[2].error = None
    assert "s2:1" not in [await ask_of(client, prefer="s2:1") for _ in range(3)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_reached_nobody_is_sent_to_another(method: str) -> None:
    made = servers()
    made[0].error = made[1].error = UpstreamUnreachableError()
    client = balancer(made)
    for _ in range(3):
        assert await ask_of(client, method) == "s2:1"
    assert client.retries == made[0].asked + made[1].asked > 0
    assert {body for server in made for body in server.bodies} == {b"abc"}


@pytest.mark.parametrize("error", [UpstreamBrokenError, UpstreamTimeoutError])
async def test_what_may_have_reached_one_is_not(error: type[UpstreamError]) -> None:
    made = servers(2)
    made[0].error = made[1].error = error()
    with pytest.raises(error) as raised:
        await ask_of(balancer(made), "GET")
    assert made[0].asked + made[1].asked == 1
    assert raised.value.upstream in {"s0:1", "s1:1"}


async def test_a_timeout_of_connecting_is_repeated() -> None:
    made = servers(2)
    for server in made:
        server.error = UpstreamTimeoutError()
        server.error.unsent = True
    with pytest.raises(UpstreamTimeoutError):
        await ask_of(balancer(made))
    assert [server.asked for server in made] == [1, 1]


async def test_no_more_attempts_than_allowed() -> None:
    made = servers(5)
    for server in made:
        server.error = UpstreamUnreachableError()
    with pytest.raises(UpstreamUnreachableError):
        await ask_of(balancer(made, retries={"attempts": 2}))
    assert sum(server.asked for server in made) == 2


async def test_retries_have_a_budget() -> None:
    made = servers(2)
    for server in made:
        server.error = UpstreamUnreachableError()
    client = balancer(made, retries={"share": 0.1}, breaker={"failures": 10_000})
    for _ in range(100):
        with pytest.raises(UpstreamUnreachableError):
            await ask_of(client)
    assert client.retries == 19  # ten at hand, and one for each ten requests, less what did not fit


async def test_failures_eject_a_server_until_its_trial() -> None:
    made = servers(2)
    made[0].error = UpstreamBrokenError()
    client = balancer(made, breaker={"failures": 3, "pause": 0.2})
    outcomes = [await asyncio.gather(ask_of(client), return_exceptions=True) for _ in range(20)]
    assert made[0].asked == 3
    assert [state.circuit for state in client.snapshot()] == ["open", "closed"]
    assert sum(isinstance(outcome[0], UpstreamBrokenError) for outcome in outcomes) == 3
    made[0].error = None
    await asyncio.sleep(0.25)
    assert {await ask_of(client) for _ in range(4)} == {"s0:1", "s1:1"}
    assert [state.circuit for state in client.snapshot()] == ["closed", "closed"]
    assert [state.ejections for state in client.snapshot()] == [1, 0]


async def test_when_all_are_out_one_is_asked_all_the_same() -> None:
    made = servers(2)
    for server in made:
        server.error = UpstreamBrokenError()
    client = balancer(made, breaker={"failures": 1, "pause": 100})
    for _ in range(6):
        with pytest.raises(UpstreamBrokenError):
            await ask_of(client)
    made[0].error = made[1].error = None
    assert await ask_of(client)
    assert "closed" in [state.circuit for state in client.snapshot()]


@pytest.mark.parametrize("error", [MalformedRequestError(), asyncio.CancelledError()])
async def test_a_clients_fault_is_not_the_servers(error: BaseException) -> None:
    made = servers(2)
    made[0].error = made[1].error = error
    client = balancer(made, breaker={"failures": 1})
    with pytest.raises(type(error)):
        await ask_of(client)
    assert [(state.circuit, state.failures) for state in client.snapshot()] == [("closed", 0)] * 2
    assert client.retries == 0


async def test_a_server_that_has_recovered_starts_slowly() -> None:
    made = servers(2)
    made[0].error = UpstreamBrokenError()
    client = balancer(made, breaker={"failures": 1, "pause": 0.05}, slow_start=1)
    await asyncio.gather(*(ask_of(client) for _ in range(4)), return_exceptions=True)
    made[0].error = None
    await asyncio.sleep(0.06)
    while client.snapshot()[0].circuit != "closed":
        await ask_of(client)
    made[1].outstanding = 4  # the other one has to do five times as much
    assert {await ask_of(client) for _ in range(10)} == {"s1:1"}
    assert client.snapshot()[0].weight < 0.3
    await asyncio.sleep(0.5)
    assert {await ask_of(client) for _ in range(10)} == {"s0:1"}
    await asyncio.sleep(0.6)
    assert client.snapshot()[0].weight == 1


async def test_one_server_is_never_put_out() -> None:
    (server,) = made = servers(1)
    server.error = UpstreamUnreachableError()
    client = balancer(made, breaker={"failures": 1, "pause": 1000})
    for _ in range(5):
        with pytest.raises(UpstreamUnreachableError):
            await ask_of(client)
    assert server.asked == 5
    server.error = None
    assert await ask_of(client) == "s0:1"


async def test_the_snapshot() -> None:
    made = servers(2)
    made[1].outstanding = 7
    client = balancer(made)
    await ask_of(client)
    first, second = client.snapshot()
    assert first == ("s0:1", 0, "closed", True, 1.0, 1, 0, 0)
    assert (second.address, second.outstanding, second.requests) == ("s1:1", 7, 0)


@pytest.mark.usefixtures("each_client")
async def test_a_refusing_server_is_not_noticed_by_clients() -> None:
    async with upstreams(readiness(200, HEALTHY)) as ups:
        down = {"more_urls": ["http://127.0.0.1:1"], "checks": {"interval": 0}}
        async with gateway(ups[0].url, upstream=down) as gw:
            for body in (b"", b"abc", b"x" * 200_000):
                for _ in range(3):
                    answer = await ask(gw.port, request("/v1/x", "POST", body=body))
                    assert (answer.status, answer.body) == (200, body)
    assert {line["upstream"] for line in gw.log()} == {f"127.0.0.1:{ups[0].port}"}


@pytest.mark.usefixtures("each_client")
async def test_an_upload_that_was_not_begun_goes_to_another_server() -> None:
    async with upstreams(echo) as ups:
        down = {"more_urls": ["http://127.0.0.1:1"], "checks": {"interval": 0}}
        async with gateway(ups[0].url, upstream=down) as gw:
            for _ in range(4):
                async with client(gw.port) as connection:
                    await connection.send(request("/v1/f", "POST", [FORM, "Transfer-Encoding: chunked"]) + chunk(b"o"))
                    await asyncio.sleep(0.02)
                    await connection.send(chunk(b"ne") + chunk(b""))
                    answer = await connection.answer()
                    assert (answer.status, answer.body) == (200, b"one")


@pytest.mark.usefixtures("each_client")
async def test_requests_under_way_are_counted_until_their_end() -> None:
    async def play(seen: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if seen.target == "/v1/slow":
            writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"one"))
            await asyncio.sleep(30)
        writer.write(reply(200, b"ok"))

    async with upstreams(play, play) as ups:
        async with gateway(ups[0].url, upstream=settings(ups, checks={"interval": 0})) as gw:
            async with client(gw.port) as slow:
                await slow.send(request("/v1/slow"))
                await slow.head()
                busy = [up for up in ups if up.seen]
                (idle,) = [up for up in ups if not up.seen]
                for _ in range(6):
                    await ask(gw.port, request("/v1/x"))
                assert (len(busy[0].seen), len(idle.seen)) == (1, 6)
            await asyncio.sleep(0.05)
            for _ in range(6):
                await ask(gw.port, request("/v1/x"))
            assert len(busy[0].seen) > 1  # what was broken off counts no more


async def test_the_failing_server_is_named_in_the_log() -> None:
    async with upstreams(say(b"not HTTP\r\n\r\n")) as ups, gateway(ups[0].url) as gw:
        assert (await ask(gw.port, request())).status == 502
    assert [line["upstream"] for line in gw.log()] == [f"127.0.0.1:{ups[0].port}"]


@pytest.mark.usefixtures("each_client")
async def test_answers_that_break_off_open_the_circuit() -> None:
    async def torn(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"begun"))
        await asyncio.sleep(0.02)
        writer.close()

    async with upstreams(torn, echo) as ups:
        config = settings(ups, checks={"interval": 0}, breaker={"failures": 3, "pause": 100})
        async with gateway(ups[0].url, upstream=config) as gw:
            broken = 0
            for _ in range(16):
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    await ask(gw.port, request())
                    continue
                broken += 1
    assert broken == len(ups[0].seen) == 3
    assert len(ups[1].seen) == 13


@pytest.mark.usefixtures("each_client")
async def test_an_answer_that_comes_whole_ends_the_row() -> None:
    counted = 0

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal counted
        counted += 1
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"begun"))
        await asyncio.sleep(0.02)
        if counted % 3 == 0:
            writer.write(chunk(b""))
        else:
            writer.close()

    async with upstreams(play, play) as ups:
        config = settings(ups, checks={"interval": 0}, breaker={"failures": 5, "pause": 100})
        async with gateway(ups[0].url, upstream=config) as gw:
            for _ in range(24):
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    await ask(gw.port, request())
    assert [len(up.seen) for up in ups] == [12, 12]


@pytest.mark.usefixtures("each_client")
async def test_clients_that_leave_in_the_middle_open_no_circuit() -> None:
    async def endless(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", ["Transfer-Encoding: chunked"], length=False) + chunk(b"begun"))
        await asyncio.sleep(30)

    async with upstreams(endless, endless) as ups:
        config = settings(ups, checks={"interval": 0}, breaker={"failures": 1, "pause": 100})
        async with gateway(ups[0].url, upstream=config) as gw:
            for _ in range(8):
                async with client(gw.port) as leaving:
                    await leaving.send(request())
                    await leaving.head()
                    leaving.abort()
                await asyncio.sleep(0.02)
    assert [len(up.seen) for up in ups] == [4, 4]


class Once:
    """A body that can be read once, as a client's is."""

    length = 3

    def __init__(self) -> None:
        self._data: bytes | None = b"abc"

    def take(self) -> bytes | None:
        data, self._data = self._data, b""
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.take() or b""


async def test_a_body_is_kept_for_the_next_try() -> None:
    made: list[Server] = servers(2)
    made[1].error = UpstreamUnreachableError()
    made[0].outstanding = 1
    await balancer(made).send("POST", "/v1/x", CIMultiDict(), Once())
    assert [server.bodies for server in made] == [[b"abc"], [b"abc"]]
