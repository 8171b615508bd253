"""What a process shows besides its service: metrics, and answers to the operator, whichever generation is current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.admin.listener import open_admin
from hx_gateway.admin.routes import AdminRoutes, Answer, answer
from hx_gateway.metrics.listener import open_metrics
from hx_gateway.metrics.process import LoopLag, ProcessMetrics
from hx_gateway.metrics.state import ProcessState
from hx_gateway.metrics.whole import WholeProcess
from hx_gateway.worker import answers_path
from hx_gateway.workers.answers import open_answers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AsyncExitStack

    from hx_gateway.config import Config
    from hx_gateway.log import LogSink
    from hx_gateway.middleware import Services, ServiceState


class Views:
    """The page and the admin socket, or in a worker what its supervisor needs to show them."""

    def __init__(self, whole: WholeProcess) -> None:
        self.whole = whole
        self._routes = AdminRoutes()
        self.metrics_port: int | None = None
        """Where the page is; None without a port."""

    def show(self, services: Services) -> None:
        """Turn to the generation that has `services`."""
        self.whole.begin(services.metrics)
        self._routes = services.admin
        services.state.limits = services.limits

    def end(self, services: Services) -> None:
        """Keep what a generation that is over has counted."""
        self.whole.end(services.metrics)

    async def operate(self, method: str, path: str, query: Mapping[str, str]) -> Answer:
        """Answer the operator."""
        return await answer(self._routes, method, path, query)


async def open_views(config: Config, log: LogSink, state: ServiceState, lifespan: AsyncExitStack) -> Views:
    """Open what `config` asks for until `lifespan` ends. Raises MetricsListenError or AdminListenError."""
    own = state.metrics
    whole = WholeProcess(own)
    views = Views(whole)
    if config.metrics.enabled:
        own.register(ProcessMetrics())
        own.register(ProcessState(log, state))
        lifespan.callback(LoopLag(own).close)
    path = answers_path()
    if path:
        await open_answers(path, whole, views.operate, lifespan)
        return views

    async def page() -> WholeProcess:
        return whole

    views.metrics_port = await open_metrics(config.metrics, page, lifespan)
    await open_admin(config.admin.socket, views.operate, lifespan)
    return views
