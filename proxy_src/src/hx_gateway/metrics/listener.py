"""GET /metrics, on a port or a socket of its own, so that no client can reach it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from aiohttp import hdrs, web
from prometheus_client.exposition import choose_encoder

from hx_gateway.listening import open_socket
from hx_gateway.log import event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AsyncExitStack

    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

    from hx_gateway.config.metrics import MetricsSection

_BACKLOG = 100
"""Scrapes that may wait to be accepted."""


class MetricsListenError(Exception):
    """The address for metrics cannot be listened on."""


class Families(Protocol):
    """What prometheus_client's encoders take for a registry."""

    def collect(self) -> Iterator[Metric]:
        """Return all families; called from another thread than the event loop's."""


async def open_metrics(
    config: MetricsSection, page: Callable[[], Awaitable[Families]], lifespan: AsyncExitStack
) -> int | None:
    """Show what `page` returns, if metrics are on, until `lifespan` ends.

    Returns the port, None without one. Raises MetricsListenError.
    """
    if not config.enabled:
        return None
    server = web.Server(_Page(page), access_log=None)
    listener, port = await _listen(server, config)

    async def close() -> None:
        listener.close()
        await server.shutdown(0.1)
        if config.unix_socket:
            _remove_socket(Path(config.unix_socket))

    lifespan.push_async_callback(close)
    where = {"socket": config.unix_socket} if config.unix_socket else {"address": config.listen.address, "port": port}
    event("metrics_listening", **where)
    return port


async def _listen(server: web.Server, config: MetricsSection) -> tuple[asyncio.Server, int | None]:
    loop = asyncio.get_running_loop()
    try:
        if config.unix_socket:
            _remove_socket(Path(config.unix_socket))  # left by a process that was killed
            listener = await loop.create_unix_server(server, config.unix_socket)
            Path(config.unix_socket).chmod(0o660)  # noqa: ASYNC240 - once, before the first request
            return listener, None
        bound = open_socket(config.listen.address, config.listen.port, _BACKLOG)
        listener = await loop.create_server(server, sock=bound)
    except OSError as error:
        where = config.unix_socket or f"{config.listen.address} port {config.listen.port}"
        raise MetricsListenError(f"{where}: {error.strerror}") from None
    return listener, listener.sockets[0].getsockname()[1]


def _remove_socket(path: Path) -> None:
    if path.is_socket():
        path.unlink()


class _Page:
    """Answers GET and HEAD of /metrics."""

    def __init__(self, page: Callable[[], Awaitable[Families]]) -> None:
        self._page = page

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/metrics":
            return web.Response(status=404, text="only /metrics\n")
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={hdrs.ALLOW: "GET, HEAD"})
        encode, kind = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        # in a thread: a scrape of thousands of series takes longer than a request should wait
        body = await asyncio.to_thread(encode, cast("CollectorRegistry", await self._page()))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "no-store"})
