"""The servers behind the gateway."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from yarl import URL

from hx_gateway.config.base import Duration, Section


class Timeouts(Section):
    """How long the upstream may take; 0 means as long as it likes."""

    connect: Duration = 5
    first_byte: Duration = 600
    """From the last byte of the request to the head of the answer."""
    between_bytes: Duration = 300
    """Between two pieces of the answer's body."""
    total: Duration = 0
    """The whole exchange, the client's upload and the stream included."""


class Readiness(Section):
    """What /readyz asks the upstream."""

    path: str = Field(default="/health/readiness", pattern=r"^/[\x21-\x7e]*$")
    require_database: bool = False
    """Not ready unless the body says that the database is connected."""
    timeout: float = Field(default=5, gt=0, le=300)
    cache: Duration = 1
    """Seconds an answer is reused, so that /readyz cannot be used to load the upstream."""


class Upstream(Section):
    """The LiteLLM server behind the gateway."""

    url: str
    """http://HOST:PORT or https://HOST:PORT, nothing after it."""
    client: Literal["fast", "aiohttp"] = "fast"
    """`fast`, or aiohttp's ClientSession, which does the same at more than twice the cost."""
    max_connections: int = Field(default=0, ge=0)
    """Connections at a time, 0 for any number; requests above it wait."""
    keepalive_timeout: float = Field(default=4, gt=0, le=3600)
    """Seconds an idle connection is kept: below uvicorn's 5, so that none is used while it is being closed."""
    timeouts: Timeouts = Timeouts()
    readiness: Readiness = Readiness()

    @field_validator("url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        try:
            url = URL(value)
            port = url.port
        except ValueError:
            raise ValueError("is not a URL") from None
        if url.scheme not in {"http", "https"} or not url.host or not port:
            raise ValueError("must be http://HOST:PORT or https://HOST:PORT")
        if url.user is not None or url.password is not None:
            raise ValueError("must not hold credentials")
        if url.path not in {"", "/"} or url.query_string or url.fragment:
            raise ValueError("must not have a path, a query or a fragment")
        return str(url.origin())
