"""What Redis lets the stack's user do, and that nobody else gets in."""

from __future__ import annotations

import pytest
from checks.stack import Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://cache"]


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The stack whose cache runs on this host."""
    return describe(host)


def redis(host: Host, stack: Stack, command: str, user: str | None = "hx_gateway") -> str:
    """Run one Redis command as a user, or without a login; the answer or the refusal."""
    login = f"--user {user} --no-auth-warning" if user else ""
    password = stack.secrets["hx_redis_password"] if user else ""
    answer = host.run(f"REDISCLI_AUTH=%s redis-cli -h %s {login} {command}", password, stack.cache_address)
    return (answer.stdout + answer.stderr).strip()


@pytest.mark.parametrize(
    "command",
    [
        "PING",
        "SET hx:check 1 EX 5",
        "INCR hx:check:count",
        "EVAL 'return 1' 0",
        # what the gateway's limits are made of
        "EVAL \"return #redis.call('TIME')\" 0",
        "EVAL \"return redis.call('ZADD', KEYS[1], 1, ARGV[1]) + redis.call('PEXPIRE', KEYS[1], 5)\" 1 hx:check:z a",
    ],
)
def test_the_stack_can_do_what_it_needs(host: Host, stack: Stack, command: str) -> None:
    assert redis(host, stack, command) in ("PONG", "OK", "1", "2", "(integer) 1")


@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "CONFIG GET maxmemory", "ACL LIST", "SHUTDOWN", "KEYS '*'", "REPLICAOF no one"],
)
def test_dangerous_commands_are_refused(host: Host, stack: Stack, command: str) -> None:
    assert "NOPERM" in redis(host, stack, command)


def test_default_user_is_off(host: Host, stack: Stack) -> None:
    assert "NOAUTH" in redis(host, stack, "PING", user=None)


def test_listens_where_the_inventory_says(host: Host, stack: Stack) -> None:
    listeners = host.check_output("ss -Hltn 'sport = :6379'")
    assert f"{stack.cache_address}:6379" in listeners
    assert "0.0.0.0:6379" not in listeners


def test_the_administrator_is_roots_alone_and_knows_users_only(host: Host, stack: Stack) -> None:
    file = host.file("/etc/hx-gateway-redis/admin")
    assert (file.user, file.mode) == ("root", 0o600)
    assert host.file("/etc/hx-gateway-redis").mode == 0o700
    password = file.content_string
    assert password not in host.file("/etc/redis/users.acl").content_string
    answers = {
        command: host.run(
            f"REDISCLI_AUTH=%s redis-cli -h %s --user hx_gateway_admin --no-auth-warning {command}",
            password,
            stack.cache_address,
        ).stdout
        for command in ("PING", "GET hx:check", "CONFIG GET dir", "SHUTDOWN")
    }
    assert answers.pop("PING").strip() == "PONG"
    assert all("NOPERM" in answer for answer in answers.values())
