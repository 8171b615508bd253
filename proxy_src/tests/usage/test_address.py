"""DATABASE_URL as the roles write it, and as it may not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from hx_gateway.config import ConfigError
from hx_gateway.usage.address import DatabaseAddress
from postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as made:
        yield made


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("", "required in the environment"),
        ("mysql://secret@h/d", "must be postgresql://"),
        ("postgresql:///secret", "must be postgresql://"),
        ("secret", "must be postgresql://"),
        ("postgresql://[secret/d", "is not a URL"),
        ("postgresql://u:secret/secret@h/d", "is not a URL"),
    ],
)
def test_what_is_no_address(url: str, line: str) -> None:
    with pytest.raises(ConfigError, match=f"^DATABASE_URL: {line}") as error:
        DatabaseAddress({"DATABASE_URL": url} if url else {})
    assert "secret" not in str(error.value)


async def used_tls(server: PostgresServer, query: str) -> bool:
    connection = await DatabaseAddress({"DATABASE_URL": server.url(query)}).connect(10)
    try:
        found = await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert await connection.fetchval("SHOW application_name") == "hx-gateway"
        return bool(found)
    finally:
        await connection.close()


async def test_libpq_parameters_count(server: PostgresServer) -> None:
    assert await used_tls(server, "") is True  # libpq's default is prefer
    assert await used_tls(server, "sslmode=disable") is False
    assert await used_tls(server, "sslmode=require") is True
    assert await used_tls(server, f"sslmode=verify-full&sslrootcert={server.certificate}") is True


async def test_a_certificate_of_another_authority_is_refused(server: PostgresServer) -> None:
    with pytest.raises(OSError, match="certificate verify failed"):
        await used_tls(server, "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt")


async def test_parameters_of_prisma_are_not_sent_to_the_server(server: PostgresServer) -> None:
    assert await used_tls(server, "connection_limit=10&pool_timeout=60&schema=public&pgbouncer=true&sslmode=require")


async def test_a_wrong_password_is_refused(server: PostgresServer) -> None:
    url = server.url().replace("pa55", "other")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await DatabaseAddress({"DATABASE_URL": url}).connect(10)
