"""Which clients talk to the upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.upstream.aiohttp_client import AiohttpUpstream
from hx_gateway.upstream.balancer import Balancer
from hx_gateway.upstream.fast_client import FastUpstream

if TYPE_CHECKING:
    from hx_gateway.config.upstream import Upstream as Config
    from hx_gateway.upstream.base import Upstream


def make_upstream(config: Config) -> Upstream:
    """Return the upstream that the configuration describes. Call it inside a running loop."""
    client = FastUpstream if config.client == "fast" else AiohttpUpstream
    urls = (config.url, *config.more_urls)
    # a server whose connections are all in use is still asked how it is
    unbounded = config.model_copy(update={"max_connections": 0})
    return Balancer([client(config, url) for url in urls], config, checkers=[client(unbounded, url) for url in urls])
