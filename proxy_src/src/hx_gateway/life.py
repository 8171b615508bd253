"""The life of the process: start, listen, wait for a signal, drain, end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from hx_gateway import __version__
from hx_gateway.admin.listener import open_admin
from hx_gateway.log import LogSink, event
from hx_gateway.metrics.listener import open_metrics
from hx_gateway.middleware import Services, ServiceState
from hx_gateway.notify import notify
from hx_gateway.pipeline import build
from hx_gateway.server import GatewayServer
from hx_gateway.server.protocol import check_parser
from hx_gateway.stores.redis import open_redis
from hx_gateway.upstream.factory import make_upstream

if TYPE_CHECKING:
    from hx_gateway.config import Config


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal cuts what is left.

    Raises OSError or MetricsListenError if an address cannot be listened on, ConfigError if a middleware cannot
    be loaded, the environment lacks what the configuration needs, or aiohttp runs on the wrong parser.
    """
    check_parser()
    stop, hurry = _signals()
    async with AsyncExitStack() as lifespan:
        log = LogSink(sys.stdout.fileno())
        lifespan.callback(log.close)
        upstream = make_upstream(config.upstream)
        lifespan.push_async_callback(upstream.aclose)
        redis = await open_redis(config.redis, lifespan)
        state = ServiceState()
        services = Services(config, upstream, log, lifespan, state, redis)
        handler = build(services)
        await open_metrics(services)
        await open_admin(services)
        server = GatewayServer(handler, config, state)
        address, port = await server.start()
        # what was made so far lives as long as the process: no collection has to look at it again
        gc.collect()
        gc.freeze()
        event("listening", address=address, port=port, upstream=config.upstream.url, version=__version__)
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")
        event("draining", requests=server.active, timeout=config.drain.timeout)
        cut = await server.drain(config.drain.timeout, hurry)
        event("stopped", cut=cut)


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Return events set by the first and by the second signal to end."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop, hurry
