"""Origins: where an upstream is, and the client that talks to it."""

from __future__ import annotations

from yarl import URL


def address(url: str) -> str:
    """Return `HOST:PORT` of an origin, the default port included."""
    origin = URL(url)
    host = origin.raw_host or ""
    return f"[{host}]:{origin.port}" if ":" in host else f"{host}:{origin.port}"
