"""Records of requests through a whole gateway and a real PostgreSQL, which is killed and comes back."""

from __future__ import annotations

import asyncio
import logging
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from multidict import CIMultiDict

from hx_gateway.config import ConfigError
from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.metrics.labels import route_of
from hx_gateway.middlewares.usage_records import UsageRecords
from hx_gateway.usage.queue import UsageQueue
from postgres_server import USER, PostgresServer
from scrape import samples, value

from running import gateway, process, run
from wire import ask, client, reply, request, say, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from running import Gateway

CHAT = "/v1/chat/completions"
STATED = reply(
    200,
    b'{"usage":{"prompt_tokens":7,"completion_tokens":5}}',
    ["Content-Type: application/json", "x-litellm-response-cost: 0.5"],
)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresServer]:
    with PostgresServer() as made:
        yield made


@pytest.fixture
def server(cluster: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> PostgresServer:
    monkeypatch.setenv("DATABASE_URL", cluster.url())
    return cluster.reset()


def recording(url: str, **section: Any) -> AbstractAsyncContextManager[Gateway]:
    usage = {"enabled": True, "interval": 0.05, **section}
    return gateway(url, usage=usage, metrics={"enabled": True, "listen": {"port": 0}})


def count(server: PostgresServer) -> int:
    return int(server.sql("SELECT count(*) FROM hx_usage.requests")[0][0])


async def written(gw: Gateway, number: int) -> None:
    """Wait until `number` records are in the database."""
    async with asyncio.timeout(20):
        while value(await samples(gw.metrics_port), "hx_gateway_usage_written_total") < number:  # noqa: ASYNC110 - it is another side's state
            await asyncio.sleep(0.02)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("usage_")]


async def test_every_request_under_v1_leaves_a_record(server: PostgresServer) -> None:
    async with upstream(say(STATED)) as up, recording(up.url) as gw:
        headers = ["Authorization: Bearer sk-k", "X-Request-Id: mine", "x-litellm-call-id: theirs"]
        await ask(gw.port, request(CHAT, "POST", headers, b'{"model":"gpt"}'))
        await ask(gw.port, request("/v1/../x"))
        await ask(gw.port, request("/healthz"))
        await ask(gw.port, request("/elsewhere"))
        up.play = say(reply(429, b"{}"))
        await ask(gw.port, request("/v1/models"))
    rows = server.sql(
        "SELECT request_id, key_hash, model, route, prompt_tokens, completion_tokens, estimated, cost, status, ended,"
        " duration BETWEEN 0 AND 5, time BETWEEN now() - interval '1 minute' AND now() FROM hx_usage.requests"
        " ORDER BY time"
    )
    key = sha256(b"sk-k").hexdigest()
    assert rows[0] == ["mine", key, "gpt", CHAT, "7", "5", "f", "0.5", "200", "complete", "t", "t"]
    assert [row[3:] for row in rows[1:]] == [
        ["other", "", "", "", "", "400", "complete", "t", "t"],
        ["/v1/models", "", "", "", "", "429", "complete", "t", "t"],
    ]


async def test_a_record_that_waits_is_small() -> None:
    queue = UsageQueue(1)
    message = Request("GET", "/v1/models/" + "x" * 8000, CIMultiDict(), BytesBody(b""))

    async def call_next(_: Request) -> Response:
        return Response(200, CIMultiDict())

    await UsageRecords(queue)(message, call_next)
    message.finish()
    (record,) = queue.take(1)
    assert len(record.target) <= 256
    assert route_of(record.target) == route_of(message.target) != "other"


async def test_the_call_id_is_the_one_litellm_keeps(server: PostgresServer) -> None:
    async with upstream() as up, recording(up.url) as gw:
        for _ in range(3):
            await ask(gw.port, request(CHAT, "POST", ["x-litellm-call-id: theirs", "X-Litellm-Call-Id: two"], b"{}"))
    sent = [seen.all("x-litellm-call-id") for seen in up.seen]
    assert len({call_id for (call_id,) in sent}) == 3
    assert all(UUID.fullmatch(call_id) for (call_id,) in sent)
    assert server.sql("SELECT call_id FROM hx_usage.requests ORDER BY time") == sent


async def test_a_killed_server_costs_no_record_and_no_request(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with upstream(say(STATED)) as up, recording(up.url) as gw, client(gw.port) as connection:

            async def send(number: int) -> None:
                for _ in range(number):
                    await connection.send(request(CHAT, "POST", body=b'{"model":"m"}'))
                    assert (await connection.answer()).status == 200

            await send(20)
            await written(gw, 20)
            server.kill()
            await send(30)
            await asyncio.sleep(2)  # a few attempts
            found = await samples(gw.metrics_port)
            assert value(found, "hx_gateway_usage_queued") == 30
            assert value(found, "hx_gateway_usage_database_up") == 0
            assert value(found, "hx_gateway_usage_failures_total") >= 2
            server.start()
            await written(gw, 50)
            assert value(await samples(gw.metrics_port), "hx_gateway_usage_database_up") == 1
    assert count(server) == 50
    assert server.sql("SELECT count(DISTINCT call_id) FROM hx_usage.requests") == [["50"]]
    assert events(caplog) == ["usage_database_away", "usage_database_back"]


async def test_the_queue_is_bounded_while_the_server_is_away(server: PostgresServer) -> None:
    server.kill()
    async with upstream(say(STATED)) as up, recording(up.url, queue_max=5) as gw, client(gw.port) as connection:
        for number in range(12):
            await connection.send(request(CHAT, "POST", [f"x-request-id: r{number}"], b'{"model":"m"}'))
            await connection.answer()
        found = await samples(gw.metrics_port)
        assert (value(found, "hx_gateway_usage_queued"), value(found, "hx_gateway_usage_dropped_total")) == (5, 7)
        server.start()
        await written(gw, 5)
    rows = server.sql("SELECT request_id FROM hx_usage.requests ORDER BY time")
    assert rows == [[f"r{number}"] for number in range(7, 12)]


async def test_a_batch_does_not_wait_for_its_time(server: PostgresServer) -> None:
    async with upstream(say(STATED)) as up, recording(up.url, interval=60, batch_max=5) as gw:
        for number in range(12):
            await ask(gw.port, request(CHAT, "POST", [f"x-request-id: r{number}"], b"{}"))
            if number == 0:
                await asyncio.sleep(0.5)  # connected, and waiting
        await written(gw, 5)
    assert count(server) == 12


async def test_a_locked_table_holds_up_no_request(server: PostgresServer) -> None:
    async with upstream(say(STATED)) as up, recording(up.url) as gw, client(gw.port) as connection:
        await connection.send(request(CHAT, "POST", body=b"{}"))
        await connection.answer()
        await written(gw, 1)
        lock = "BEGIN; LOCK TABLE hx_usage.requests IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT"
        locked = asyncio.create_task(asyncio.to_thread(server.sql, lock))
        await asyncio.sleep(0.3)
        loop = asyncio.get_running_loop()
        longest = 0.0
        for _ in range(100):
            start = loop.time()
            await connection.send(request(CHAT, "POST", body=b"{}"))
            await connection.answer()
            longest = max(longest, loop.time() - start)
            await asyncio.sleep(0.005)
        assert not locked.done()
        assert value(await samples(gw.metrics_port), "hx_gateway_usage_written_total") == 1
        assert longest < 0.2
        await locked
        await written(gw, 101)


async def test_several_gateways_share_the_table(server: PostgresServer, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    async with upstream(say(STATED)) as up:
        file.write_text(f"upstream: {{url: '{up.url}'}}\nusage: {{enabled: true, interval: 0.05}}\n")
        async with (
            process("--config", str(file)) as one,
            process("--config", str(file)) as two,
            process("--config", str(file)) as three,
        ):
            gateways = (one, two, three)
            for gw in gateways:
                for _ in range(10):
                    await ask(gw.port, request(CHAT, "POST", body=b"{}"))
            for gw in gateways:
                gw.signal(15)
            assert [await gw.end() for gw in gateways] == [0, 0, 0]
    assert count(server) == 30


async def test_without_an_address_there_is_no_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ConfigError, match="DATABASE_URL: required"):
        async with recording("http://127.0.0.1:1"):
            pass
    file = tmp_path / "gateway.yml"
    file.write_text("upstream: {url: 'http://127.0.0.1:1'}\nusage: {enabled: true}\n")
    status, _, errors = await run("--config", str(file), "--listen", "127.0.0.1:0")
    assert (status, "DATABASE_URL: required" in errors) == (78, True)


async def test_a_role_that_may_not_make_the_schema_is_said(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.sql(f"ALTER DATABASE gateway OWNER TO postgres; GRANT CONNECT ON DATABASE gateway TO {USER}")
    async with upstream() as up, recording(up.url) as gw:
        async with asyncio.timeout(10):
            while not events(caplog):  # noqa: ASYNC110 - a log tells nobody
                await asyncio.sleep(0.02)
        assert (await ask(gw.port, request())).status == 200
    (record, *_) = [record for record in caplog.records if record.getMessage() == "usage_database_away"]
    assert "GRANT CREATE ON DATABASE" in record.__dict__["fields"]["reason"]


async def test_one_row_that_is_refused_does_not_take_its_batch_along(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with upstream() as up, recording(up.url) as gw:
        await ask(gw.port, request())
        await written(gw, 1)
        server.sql("ALTER TABLE hx_usage.requests ADD CHECK (request_id <> 'bad') NOT VALID")
        for name in ("a", "bad", "b"):
            await ask(gw.port, request(headers=[f"x-request-id: {name}"]))
        await written(gw, 3)
        assert value(await samples(gw.metrics_port), "hx_gateway_usage_rejected_total") == 1
    assert count(server) == 3
    assert "usage_rejected" in events(caplog)
