"""One reading of the configuration, and everything that is made from it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from hx_gateway.metrics.state import StateMetrics
from hx_gateway.middleware import Services
from hx_gateway.pipeline import build
from hx_gateway.stores.limits_supervisor import SupervisorLimits
from hx_gateway.stores.redis import open_redis
from hx_gateway.upstream.factory import make_upstream
from hx_gateway.worker import limits_path

if TYPE_CHECKING:
    from hx_gateway.config import Config
    from hx_gateway.log import LogSink
    from hx_gateway.middleware import Handler, ServiceState


class Generation:
    """A pipeline with its upstream client and stores; a reload makes the next, and this finishes its requests."""

    def __init__(self, services: Services, handler: Handler) -> None:
        self.config = services.config
        self.services = services
        self.handler = handler

    async def aclose(self) -> None:
        """Let go of everything; no request may be under way."""
        await self.services.lifespan.aclose()


def _workers(config: Config, lifespan: AsyncExitStack) -> SupervisorLimits | None:
    path = limits_path()
    if not path or not (config.rate_limits.limits or config.limits.streams_per_client):
        return None
    limits = SupervisorLimits(path)
    lifespan.push_async_callback(limits.aclose)
    return limits


async def open_generation(config: Config, log: LogSink, state: ServiceState) -> Generation:
    """Make everything that `config` asks for.

    Raises ConfigError if a middleware cannot be loaded or the environment lacks what is needed.
    """
    lifespan = AsyncExitStack()
    try:
        upstream = make_upstream(config.upstream)
        lifespan.push_async_callback(upstream.aclose)
        redis = await open_redis(config.redis, lifespan)
        services = Services(config, upstream, log, lifespan, state, redis, _workers(config, lifespan))
        services.metrics.register(StateMetrics(services))
        return Generation(services, build(services))
    except BaseException:
        await lifespan.aclose()
        raise
