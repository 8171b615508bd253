"""The whole configuration file."""

from __future__ import annotations

from pydantic import Field, model_validator

from hx_gateway.config.admin import Admin
from hx_gateway.config.base import Section
from hx_gateway.config.cache import Cache
from hx_gateway.config.embeddings import Embeddings
from hx_gateway.config.forwarded import Forwarding
from hx_gateway.config.limits import Limits
from hx_gateway.config.listen import Drain, Listen
from hx_gateway.config.log import Log
from hx_gateway.config.metrics import MetricsSection
from hx_gateway.config.middlewares import Middlewares
from hx_gateway.config.rate_limits import RateLimits
from hx_gateway.config.redis import RedisSection
from hx_gateway.config.sessions import Sessions
from hx_gateway.config.tracing import TracingSection
from hx_gateway.config.upstream import Upstream
from hx_gateway.config.usage import UsageSection


class Config(Section):
    """The whole file."""

    workers: int = Field(default=1, ge=1, le=64)
    """Processes that serve the one address; each may use a core."""
    listen: Listen = Listen()
    upstream: Upstream
    limits: Limits = Limits()
    forwarded: Forwarding = Forwarding()
    drain: Drain = Drain()
    log: Log = Log()
    metrics: MetricsSection = MetricsSection()
    usage: UsageSection = UsageSection()
    tracing: TracingSection = TracingSection()
    middlewares: Middlewares = Middlewares()
    embeddings: Embeddings = Embeddings()
    redis: RedisSection = RedisSection()
    rate_limits: RateLimits = RateLimits()
    cache: Cache = Cache()
    sessions: Sessions = Sessions()
    admin: Admin = Admin()

    @model_validator(mode="after")
    def _has_what_it_traces(self) -> Config:
        if self.tracing.enabled and "trace_context" in self.middlewares.disable:
            raise ValueError("tracing.enabled: needs the middleware trace_context")
        return self

    @model_validator(mode="after")
    def _have_their_store(self) -> Config:
        for name, section in (("cache", self.cache), ("sessions", self.sessions)):
            if section.enabled and section.store == "redis" and not self.redis.enabled:
                raise ValueError(f"{name}.store: redis needs redis.enabled: true")
        return self
