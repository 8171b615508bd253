"""How to connect to the database that DATABASE_URL names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from hx_gateway.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "DATABASE_URL"

_LIBPQ = frozenset(
    {
        *("host", "port", "dbname", "user", "password", "passfile", "target_session_attrs", "options"),
        *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
    }
)
"""Parameters of a connection URI (PostgreSQL 17, section 32.1.2) that asyncpg knows.

Others are Prisma's (connection_limit, pool_timeout, schema, pgbouncer); asyncpg would send them to the server, which
refuses them.
"""


class DatabaseAddress:
    """Where the database is and who logs in there."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raise ConfigError, which repeats nothing of the value, if DATABASE_URL is missing or no URL."""
        url = environment.get(VARIABLE, "")
        if not url:
            raise ConfigError(f"{VARIABLE}: required in the environment, since usage.enabled is true")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ConfigError(f"{VARIABLE}: is not a URL") from None
        given = parse_qsl(parts.query)
        if parts.scheme not in {"postgresql", "postgres"} or not (host or dict(given).get("host")):
            raise ConfigError(f"{VARIABLE}: must be postgresql://HOST:PORT/DATABASE")
        kept = urlencode([(name, value) for name, value in given if name in _LIBPQ])
        self._url = urlunsplit(parts._replace(query=kept))
        # a pooler that hands out a connection for each transaction knows no prepared statements
        self._pooled = dict(given).get("pgbouncer", "").lower() == "true"

    async def connect(self, timeout: float) -> asyncpg.Connection[Any]:
        """Return a connection; raise OSError, TimeoutError or what asyncpg raises."""
        return await asyncpg.connect(
            self._url,
            timeout=timeout,
            command_timeout=60,
            statement_cache_size=0 if self._pooled else 20,
            server_settings={"application_name": "hx-gateway"},
        )
