"""Which client talks to the upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.upstream.aiohttp_client import AiohttpUpstream
from hx_gateway.upstream.fast_client import FastUpstream

if TYPE_CHECKING:
    from hx_gateway.config.upstream import Upstream
    from hx_gateway.upstream.base import UpstreamClient


def make_upstream(config: Upstream) -> UpstreamClient:
    """Return the upstream client the configuration names. Call it inside a running loop."""
    return FastUpstream(config) if config.client == "fast" else AiohttpUpstream(config)
