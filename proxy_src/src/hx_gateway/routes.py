"""What `hx-gateway routes` shows: the pipeline in its order, and the addresses it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hx_gateway.pipeline import ordered

if TYPE_CHECKING:
    from hx_gateway.config import Config

_SECTIONS: Final = {"usage_records": "usage"}
"""Sections of the configuration that are not named as their middleware is."""


def describe(config: Config) -> str:
    """Return the pipeline, outermost first, with what is on, and the addresses served; nothing of it is made."""
    lines = [f"listens on {config.listen.address} port {config.listen.port}, {config.workers} worker(s)"]
    lines += ["", "pipeline"]
    for name, _ in ordered():
        lines += _added(config, name)
        if name in config.middlewares.replace:
            state = f"replaced by {config.middlewares.replace[name]}"
        elif name in config.middlewares.disable:
            state = "left out"
        else:
            section = getattr(config, _SECTIONS.get(name, name), None)
            state = "on" if getattr(section, "enabled", True) else "off"
        lines.append(f"  {name:<16} {state}")
    lines += [*_added(config, "forwarder"), f"  {'forwarder':<16} {config.upstream.url}", "", "addresses"]
    if "health" not in config.middlewares.disable:
        lines += ["  /healthz         the process works", "  /readyz          LiteLLM can be used"]
    gated = "path_gate" not in config.middlewares.disable
    lines.append(f"  {'/v1/*' if gated else '/*':<16} LiteLLM")
    return "\n".join(lines) + "\n"


def _added(config: Config, before: str) -> list[str]:
    return [f"  {'(added)':<16} {added.factory}" for added in config.middlewares.add if added.before == before]
