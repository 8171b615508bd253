"""The connection to a real Redis: what it does well, and what becomes of calls when the server does not."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hx_gateway.config import ConfigError
from hx_gateway.config.redis import RedisSection
from hx_gateway.stores.errors import StoreReplyError, StoreTimeoutError, StoreUnavailableError
from hx_gateway.stores.redis import Redis, open_redis
from hx_gateway.stores.script import Script

from redis_server import PASSWORD, RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@asynccontextmanager
async def opened(url: str, **section: Any) -> AsyncIterator[Redis]:
    config = RedisSection.model_validate({"enabled": True, **section})
    async with AsyncExitStack() as lifespan:
        made = await open_redis(config, lifespan, {"REDIS_URL": url})
        assert made is not None
        yield made


async def until(redis: Redis, *, connected: bool) -> None:
    async with asyncio.timeout(10):
        while redis.state.connected is not connected:  # noqa: ASYNC110 - it has nobody else to tell
            await asyncio.sleep(0.005)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("redis_")]


async def test_it_is_off_by_default() -> None:
    async with AsyncExitStack() as lifespan:
        assert await open_redis(RedisSection(), lifespan, {}) is None


async def test_a_missing_address_is_named() -> None:
    async with AsyncExitStack() as lifespan:
        with pytest.raises(ConfigError, match=r"^REDIS_URL: required in the environment"):
            await open_redis(RedisSection(enabled=True), lifespan, {})


async def test_replies_of_every_kind(server: RedisServer) -> None:
    async with opened(server.url) as redis:
        assert redis.state.connected
        assert await redis.call("SET", "hx:t:a", b"\x00\r\n\xff", "PX", 5000) == b"OK"
        assert await redis.call("GET", "hx:t:a") == b"\x00\r\n\xff"
        assert await redis.call("GET", "hx:t:none") is None
        assert await redis.call("INCRBY", "hx:t:n", 5) == 5
        assert await redis.call("MGET", "hx:t:n", "hx:t:none") == [b"5", None]
        with pytest.raises(StoreReplyError) as error:
            await redis.call("INCR", "hx:t:a")
        assert error.value.code == "ERR"
        assert redis.state.connected


async def test_thousands_of_concurrent_calls_get_their_own_reply(server: RedisServer) -> None:
    async with opened(server.url, timeout=10) as redis:
        values = [f"{number}" * (1 + number % 50) for number in range(5000)]
        assert await asyncio.gather(*(redis.call("ECHO", value) for value in values)) == [
            value.encode() for value in values
        ]
        assert redis.state.calls == 5000
        assert server.admin().client_list(_type="normal").__len__() <= 2


async def test_large_replies(server: RedisServer) -> None:
    async with opened(server.url, timeout=10) as redis:
        value = bytes(range(256)) * (32 << 10)
        await redis.call("SET", "hx:t:large", value, "PX", 10_000)
        found = await asyncio.gather(*(redis.call("GET", "hx:t:large") for _ in range(5)), redis.call("ECHO", "x"))
        assert found == [value] * 5 + [b"x"]


async def test_a_cancelled_caller_takes_no_ones_reply(server: RedisServer) -> None:
    async with opened(server.url) as redis:
        tasks = [asyncio.create_task(redis.call("ECHO", str(number))) for number in range(20)]
        await asyncio.sleep(0)  # they are on their way
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[1::2] == [str(number).encode() for number in range(1, 20, 2)]
        assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
        assert await redis.call("ECHO", "after") == b"after"


async def test_scripts_are_sent_once_and_again_when_the_server_forgot_them(server: RedisServer) -> None:
    script = Script("return {KEYS[1], ARGV[1], 7}")
    async with opened(server.url) as redis:
        server.admin().script_flush()
        for _ in range(2):
            assert await redis.script(script, ["hx:k"], ["v"]) == [b"hx:k", b"v", 7]
        assert server.admin().script_exists(script.sha) == [True]
        server.admin().script_flush()
        assert await redis.script(script, ["hx:k"], ["v"]) == [b"hx:k", b"v", 7]
        with pytest.raises(StoreReplyError):
            await redis.script(Script("return redis.call('INCR', 'hx:k', 'x')"), [], [])


async def test_posted_commands_are_done_without_anybody_waiting(server: RedisServer) -> None:
    script = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    async with opened(server.url) as redis:
        server.admin().delete("hx:t:posted")
        server.admin().script_flush()
        redis.post("INCR", "hx:t:posted")
        redis.post_script(script, ["hx:t:posted"], [10])
        await redis.call("PING")
        redis.post_script(script, ["hx:t:posted"], [100])
        redis.post("INCR", "hx:t:posted", "wrong")
        await redis.call("PING")
        await asyncio.sleep(0.02)
        assert server.admin().get("hx:t:posted") == b"111"
        assert redis.state.failures == 1


async def test_what_was_posted_last_is_sent_before_the_end(server: RedisServer) -> None:
    server.admin().delete("hx:t:last")
    async with opened(server.url) as redis:
        redis.post("SET", "hx:t:last", 1)
    await asyncio.sleep(0.05)
    assert server.admin().get("hx:t:last") == b"1"


async def test_login_and_database() -> None:
    with RedisServer(acl="~hx:* &* +@all") as server:
        async with opened(server.url.removesuffix("0") + "3") as redis:
            assert await redis.call("ACL", "WHOAMI") == b"hx_gateway"
            await redis.call("SET", "hx:t", 1)
            assert b"db=3" in await redis.call("CLIENT", "INFO")
            with pytest.raises(StoreReplyError) as error:
                await redis.call("GET", "other")
            assert error.value.code == "NOPERM"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "server.crt", folder / "server.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-out", str(made[0]), "-keyout", str(made[1])], check=True, capture_output=True)
    return made


async def test_tls(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer(acl="~hx:* +@all", tls=certificate) as server:
        url = server.url.replace("redis://", "rediss://").replace(str(server.port), str(server.tls_port))
        async with opened(url) as redis:
            assert not redis.state.connected
            assert "certificate verify failed" in redis.state.reason
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        async with opened(url) as redis:
            values = [str(number) * 1000 for number in range(200)]
            assert await asyncio.gather(*(redis.call("ECHO", value) for value in values)) == [
                value.encode() for value in values
            ]
            server.kill()
            with pytest.raises(StoreUnavailableError):
                await redis.call("PING")


async def test_a_wrong_password_is_said_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with RedisServer(acl="~* +@all") as server:
        wrong = server.url.replace(server.url.split("@")[0].rpartition(":")[2], "wrong-secret")
        async with opened(wrong) as redis:
            assert not redis.state.connected
            assert redis.state.reason.startswith("WRONGPASS")
            with pytest.raises(StoreUnavailableError, match="WRONGPASS"):
                await redis.call("PING")
    assert events(caplog) == ["redis_unavailable"]
    assert "wrong-secret" not in caplog.text + str([record.__dict__ for record in caplog.records])
    assert PASSWORD not in caplog.text


async def test_a_server_that_is_away_delays_neither_the_start_nor_a_call(caplog: pytest.LogCaptureFixture) -> None:
    began = time.monotonic()
    async with opened(f"redis://127.0.0.1:{free_port()}") as redis:
        for _ in range(100):
            with pytest.raises(StoreUnavailableError):
                await redis.call("GET", "a")
        redis.post("GET", "a")
        redis.post_script(Script("return 1"), [], [])
        await asyncio.sleep(0.3)  # several attempts
        assert redis.state.failures == 102
        assert (redis.state.connected, redis.state.reconnects, redis.state.calls) == (False, 0, 0)
    assert time.monotonic() - began < 1
    assert events(caplog) == ["redis_unavailable"]


async def test_killed_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hx_gateway")
    with RedisServer() as server:
        async with opened(server.url, timeout=5) as redis:
            before = redis.state.since
            calls = [asyncio.create_task(redis.call("BLPOP", "hx:never", 0)) for _ in range(3)]
            await asyncio.sleep(0.02)
            server.kill()
            results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 1)
            assert {type(result) for result in results} == {StoreUnavailableError}
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                await redis.call("PING")
            assert time.monotonic() - began < 0.01
            assert redis.state.since > before
            server.start()
            await until(redis, connected=True)
            assert await redis.call("PING") == b"PONG"
            assert (redis.state.reconnects, redis.state.reason) == (1, "")
    assert events(caplog) == ["redis_unavailable", "redis_connected"]


async def test_a_connection_that_lasted_is_made_again_at_once() -> None:
    with RedisServer() as server:
        async with opened(server.url, reconnect_delay_max=0.4) as redis:
            for reconnects in range(3):
                await asyncio.sleep(0.5)
                server.admin().client_kill_filter(_type="normal", skipme=True)
                began = time.monotonic()
                await until(redis, connected=False)
                await until(redis, connected=True)
                assert time.monotonic() - began < 0.2
                assert redis.state.reconnects == reconnects + 1
                assert redis.pending == 0


async def test_paused_it_costs_one_timeout_and_then_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hx_gateway")
    with RedisServer() as server:
        async with opened(server.url, timeout=0.2, connect_timeout=0.2) as redis:
            server.pause()
            try:
                began = time.monotonic()
                with pytest.raises(StoreTimeoutError):
                    await redis.call("PING")
                assert 0.2 <= time.monotonic() - began < 0.4
                for _ in range(20):
                    began = time.monotonic()
                    with pytest.raises(StoreUnavailableError):
                        await redis.call("PING")
                    assert time.monotonic() - began < 0.05
                    await asyncio.sleep(0.03)
            finally:
                server.resume()
            await until(redis, connected=True)
            assert await redis.call("PING") == b"PONG"
    assert events(caplog) == ["redis_unavailable", "redis_connected"]


async def test_out_of_memory_refuses_writes_and_answers_reads() -> None:
    with RedisServer("--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server:
        async with opened(server.url) as redis:
            with pytest.raises(StoreReplyError) as error:
                for number in range(100):
                    await redis.call("SET", f"hx:{number}", b"x" * 100_000)
            assert error.value.code == "OOM"
            assert await redis.call("GET", "hx:0") == b"x" * 100_000
            assert redis.state.connected


async def test_a_replica_refuses_writes_and_answers_reads() -> None:
    with RedisServer("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes") as server:
        async with opened(server.url) as redis:
            with pytest.raises(StoreReplyError) as error:
                await redis.call("SET", "hx:a", 1)
            assert error.value.code == "READONLY"
            assert await redis.call("GET", "hx:a") is None
            assert redis.state.connected


async def test_a_server_that_is_no_redis() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    listener = await asyncio.start_server(web, "127.0.0.1", 0)
    async with opened(f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as redis:
        assert redis.state.reason == "the server does not speak Redis's protocol"
    listener.close()


async def test_a_reply_that_arrived_while_this_process_was_held_up_is_in_time(server: RedisServer) -> None:
    async with opened(server.url, timeout=0.1) as redis:
        value = b"x" * (8 << 20)
        server.admin().set("hx:t:large", value, px=10_000)
        for _ in range(3):
            task = asyncio.create_task(redis.call("GET", "hx:t:large"))
            await asyncio.sleep(0.001)
            time.sleep(0.2)  # noqa: ASYNC251 - holding the loop up is the point
            assert await task == value
        assert redis.state.failures == 0
