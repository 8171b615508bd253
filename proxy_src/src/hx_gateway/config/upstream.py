"""The servers behind the gateway."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
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


class RouteTimeouts(Section):
    """Timeouts of some requests; those left out are as elsewhere."""

    connect: Duration | None = None
    first_byte: Duration | None = None
    between_bytes: Duration | None = None
    total: Duration | None = None


class Route(Section):
    """Timeouts for some paths."""

    path: str = Field(pattern=r"^/[\x21-\x7e]*$")
    """Shell pattern on the path of the request target, `*` matching `/` too."""
    timeouts: RouteTimeouts


class Checks(Section):
    """How often each of several servers is asked whether it is ready."""

    interval: Duration = 5
    """Seconds between two questions; 0 asks none."""
    failures: int = Field(default=2, ge=1, le=100)
    """Bad answers in a row that put a server out."""


class Breaker(Section):
    """When a server that does not answer is left alone."""

    failures: int = Field(default=5, ge=1, le=10000)
    """Requests in a row without an answer."""
    pause: float = Field(default=5, gt=0, le=3600)
    """Seconds until one request is tried; doubled, up to 16 times, each time that fails."""


class Retries(Section):
    """Requests that never reached a server and are sent to another one."""

    attempts: int = Field(default=3, ge=1, le=100)
    """Servers that a request is tried on at most; 1: no retries."""
    share: float = Field(default=0.1, ge=0, le=1)
    """Retries for each request, on the average; 0: none."""


class Hedging(Section):
    """When a request is sent to a second of several servers because the first is slow to answer."""

    after: Duration = 0
    """Seconds without the head of an answer; 0: never."""
    models: list[str] = Field(default_factory=list)
    """Shell patterns on the model: chat completions that may be paid for twice. GET, HEAD and embeddings always may."""


class Upstream(Section):
    """The LiteLLM servers behind the gateway."""

    url: str
    """http://HOST:PORT or https://HOST:PORT, nothing after it."""
    more_urls: list[str] = Field(default_factory=list)
    """Further servers of the same kind; requests are spread over all."""
    client: Literal["fast", "aiohttp"] = "fast"
    """`fast`, or aiohttp's ClientSession, which does the same at more than twice the cost."""
    max_connections: int = Field(default=0, ge=0)
    """Connections at a time to each server, 0 for any number; requests above it wait."""
    keepalive_timeout: float = Field(default=4, gt=0, le=3600)
    """Seconds an idle connection is kept: below uvicorn's 5, so that none is used while it is being closed."""
    connection_max_age: Duration = 3600
    """Seconds after which a connection is not used again, so that a change of the DNS is followed; 0: any age."""
    timeouts: Timeouts = Timeouts()
    routes: list[Route] = Field(default_factory=list)
    """Timeouts by path; the first that matches counts."""
    readiness: Readiness = Readiness()
    checks: Checks = Checks()
    breaker: Breaker = Breaker()
    retries: Retries = Retries()
    hedging: Hedging = Hedging()
    slow_start: Duration = 30
    """Seconds in which a server that has recovered is given more and more of its share; 0: all at once."""

    @field_validator("url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        return origin(value)

    @field_validator("more_urls")
    @classmethod
    def _are_origins(cls, values: list[str], info: ValidationInfo) -> list[str]:
        origins = [origin(value) for value in values]
        if len({*origins, info.data.get("url")}) <= len(origins):
            raise ValueError("names a server twice")
        return origins


def origin(value: str) -> str:
    """Return an origin without anything after it; raise ValueError if `value` is none."""
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
