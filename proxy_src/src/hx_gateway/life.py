"""The life of the process: start, listen, reload, wait for a signal, drain, end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from hx_gateway import __version__
from hx_gateway.generation import open_generation
from hx_gateway.inherited import inherited_sockets
from hx_gateway.log import LogSink, event
from hx_gateway.middleware import ServiceState
from hx_gateway.notify import notify, notify_ready
from hx_gateway.reload import Reloader
from hx_gateway.server import GatewayServer
from hx_gateway.server.protocol import check_parser
from hx_gateway.views import open_views
from hx_gateway.watchdog import Watchdog

if TYPE_CHECKING:
    from hx_gateway.config import Config
    from hx_gateway.config.source import Source

_YOUNG_OBJECTS = 20_000
"""Allocations between collections: requests leave no cycles behind, for which Python's 700 would look in vain."""


async def serve(config: Config, source: Source) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal cuts what is left. SIGHUP reads `source` again.

    Raises OSError, AdminListenError or MetricsListenError if an address cannot be listened on, ConfigError if a
    middleware cannot be loaded, the environment lacks what the configuration needs, or aiohttp runs on the wrong
    parser.
    """
    check_parser()
    signals = _Signals()
    async with AsyncExitStack() as lifespan:
        log = LogSink(sys.stdout.fileno())
        lifespan.callback(log.close)
        state = ServiceState()
        generation = await open_generation(config, log, state)
        lifespan.push_async_callback(generation.aclose)
        server = GatewayServer(generation.handler, config, state, generation.services.on_refusal)
        views = await open_views(config, log, state, lifespan)
        views.show(generation.services)
        reloader = Reloader(generation, server, log, state, views, source)
        lifespan.push_async_callback(reloader.aclose)
        address, port = await server.start(inherited_sockets())
        # what was made so far lives as long as the process: no collection has to look at it again
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
        event("listening", address=address, port=port, upstream=config.upstream.url, version=__version__)
        notify_ready(reloader.status)
        lifespan.callback(Watchdog().close)
        await signals.until_stop(reloader)
        drain = reloader.config.drain
        notify(f"STOPPING=1\nSTATUS=Draining {server.active} requests")
        event("draining", requests=server.active, timeout=drain.timeout)
        cut = await server.drain(drain.timeout, signals.hurry, drain.notice)
        event("stopped", cut=cut)


class _Signals:
    """SIGHUP asks for a reload, the first SIGTERM or SIGINT for the end, a second one for a quick end."""

    def __init__(self) -> None:
        self.hurry = asyncio.Event()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    def _end(self) -> None:
        (self.hurry if self._stop.is_set() else self._stop).set()

    async def until_stop(self, reloader: Reloader) -> None:
        """Reload as often as asked; return when the process shall end."""
        stop = asyncio.create_task(self._stop.wait())
        while not stop.done():
            reload = asyncio.create_task(self._reload.wait())
            await asyncio.wait({stop, reload}, return_when=asyncio.FIRST_COMPLETED)
            if self._reload.is_set():
                self._reload.clear()
                await reloader.reload()
            reload.cancel()
