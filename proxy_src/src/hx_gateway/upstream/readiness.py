"""What LiteLLM's readiness says: its body counts, not only its status (LiteLLM's page "Health Checks")."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import orjson
from multidict import CIMultiDict

from hx_gateway.errors import GatewayError
from hx_gateway.message import BytesBody

if TYPE_CHECKING:
    from hx_gateway.config.upstream import Readiness
    from hx_gateway.upstream.base import UpstreamClient

_LARGEST = 65536
"""Bytes of a readiness body that are read; LiteLLM's has a few hundred."""

_DATABASE = {"connected", "not connected", "disconnected"}


class Verdict(NamedTuple):
    """Whether a server can serve, and why not."""

    litellm: str
    """`healthy`, `unhealthy`, `unreachable` or `unknown`."""
    database: str
    """`connected`, `not connected` (none configured), `disconnected` or `unknown`."""
    reason: str | None
    """None: it can."""

    @property
    def ready(self) -> bool:
        """Whether it can serve."""
        return self.reason is None


async def ask(upstream: UpstreamClient, config: Readiness) -> Verdict:
    """Return what a server says of itself."""
    try:
        async with asyncio.timeout(config.timeout):
            status, body = await _fetch(upstream, config.path)
    except (GatewayError, TimeoutError):
        return Verdict("unreachable", "unknown", "LiteLLM does not answer")
    return judge(status, body, require_database=config.require_database)


def judge(status: int, body: bytes, *, require_database: bool) -> Verdict:
    """Return what a readiness answer means."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        return Verdict("unhealthy", "unknown", "LiteLLM's readiness is not JSON")
    database = str(said.get("db", "")).lower()
    database = database if database in _DATABASE else "unknown"
    if said.get("status") != "healthy":
        return Verdict("unhealthy", database, "LiteLLM says it is not healthy")
    if database == "disconnected":
        return Verdict("healthy", database, "LiteLLM has lost its database")
    if require_database and database != "connected":
        return Verdict("healthy", database, "LiteLLM has no database")
    if status != 200:
        return Verdict("unhealthy", database, "LiteLLM says it is not ready")
    return Verdict("healthy", database, None)


async def _fetch(upstream: UpstreamClient, path: str) -> tuple[int, bytes]:
    answer = await upstream.send("GET", path, CIMultiDict(), BytesBody(b""))
    try:
        body = b""
        async for piece in answer:
            body += piece
            if len(body) > _LARGEST:
                return answer.status, b""
        return answer.status, body
    finally:
        await answer.aclose()
