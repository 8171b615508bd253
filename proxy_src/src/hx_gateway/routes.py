"""What `hx-gateway routes` shows: the pipeline in its order, and the addresses it answers."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from hx_gateway.log import LogSink
from hx_gateway.middleware import Services, ServiceState
from hx_gateway.pipeline import ordered
from hx_gateway.upstream.factory import make_upstream

if TYPE_CHECKING:
    from hx_gateway.config import Config


async def describe(config: Config) -> str:
    """Return the pipeline, outermost first, with what is on, and the addresses served. Nothing is listened on."""
    lines = [f"listens on {config.listen.address} port {config.listen.port}, {config.workers} worker(s)"]
    lines += ["", "pipeline"]
    async with AsyncExitStack() as lifespan:
        log = LogSink(os.open(os.devnull, os.O_WRONLY))
        lifespan.callback(log.close)
        upstream = make_upstream(config.upstream)
        lifespan.push_async_callback(upstream.aclose)
        services = Services(config, upstream, log, lifespan, ServiceState())
        for name, factory in ordered():
            lines += _added(config, name)
            if name in config.middlewares.replace:
                state = f"replaced by {config.middlewares.replace[name]}"
            elif name in config.middlewares.disable:
                state = "left out"
            else:
                state = "off" if factory(services) is None else "on"
            lines.append(f"  {name:<16} {state}")
    lines += [*_added(config, "forwarder"), f"  {'forwarder':<16} {config.upstream.url}", "", "addresses"]
    if "health" not in config.middlewares.disable:
        lines += ["  /healthz         the process works", "  /readyz          LiteLLM can be used"]
    gated = "path_gate" not in config.middlewares.disable
    lines.append(f"  {'/v1/*' if gated else '/*':<16} LiteLLM")
    return "\n".join(lines) + "\n"


def _added(config: Config, before: str) -> list[str]:
    return [f"  {'(added)':<16} {added.factory}" for added in config.middlewares.add if added.before == before]
