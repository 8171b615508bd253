"""The address of a Redis server, as `REDIS_URL` gives it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from hx_gateway.config import ConfigError

VARIABLE = "REDIS_URL"


class RedisAddress(NamedTuple):
    """Where the server is and who logs in there."""

    host: str
    port: int
    tls: bool
    user: str
    """Empty for Redis's user `default`."""
    password: str
    """Empty for a server that asks for none."""
    database: int

    def __repr__(self) -> str:
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.database}"


def parse(url: str) -> RedisAddress:
    """Return the address in `redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, user and password percent-encoded.

    Raises ConfigError naming the variable, without repeating anything of its value. Source: the IANA registration of
    the scheme, https://www.iana.org/assignments/uri-schemes/prov/redis.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"{VARIABLE}: is not a URL") from None
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or port == 0:
        raise ConfigError(f"{VARIABLE}: must be redis://HOST:PORT or rediss://HOST:PORT")
    if parts.query or parts.fragment:
        raise ConfigError(f"{VARIABLE}: must not have a query or a fragment")
    database = parts.path.strip("/") or "0"
    if not (database.isascii() and database.isdecimal()):
        raise ConfigError(f"{VARIABLE}: the database must be a number")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and not password:
        raise ConfigError(f"{VARIABLE}: has a user without a password")
    return RedisAddress(parts.hostname, port or 6379, parts.scheme == "rediss", user, password, int(database))
