"""Answers for the gateway itself: /healthz, and /readyz, which asks LiteLLM."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from multidict import CIMultiDict

from hx_gateway.errors import JSON, GatewayError, MethodNotAllowedError
from hx_gateway.message import BytesBody, Response

if TYPE_CHECKING:
    from hx_gateway.config.upstream import Readiness
    from hx_gateway.message import Request
    from hx_gateway.middleware import Handler, ServiceState
    from hx_gateway.upstream.base import UpstreamClient

ALIVE = '{"ok": true, "note": "HX wrapper – proxy mode"}'.encode()

_LARGEST = 65536
"""Bytes of a readiness body that are read; LiteLLM's has a few hundred."""

_DATABASE = {"connected", "not connected", "disconnected"}


class Health:
    """GET and HEAD of exactly /healthz and /readyz; everything else passes.

    /readyz answers 200 or 503 with `{"ready", "litellm", "database", "reason", "limits"}`: `litellm` is `healthy`,
    `unhealthy` or `unreachable`; `database` is `connected`, `not connected` (none configured), `disconnected` or
    `unknown`; `reason` is null when ready; `limits` says where rate limits are counted, see `ServiceState`.
    """

    def __init__(self, config: Readiness, upstream: UpstreamClient, state: ServiceState) -> None:
        self._config = config
        self._upstream = upstream
        self._state = state
        self._lock = asyncio.Lock()
        self._answer: dict[str, Any] = {}
        self._answer_until = 0.0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Answer a health address, or pass the request on."""
        path = request.target.partition("?")[0]
        if path not in {"/healthz", "/readyz"}:
            return await call_next(request)
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowedError
        if path == "/healthz":
            return _json(200, ALIVE)
        answer = self._with_limits(await self._readiness())
        return _json(200 if answer["ready"] else 503, orjson.dumps(answer))

    def _with_limits(self, answer: dict[str, Any]) -> dict[str, Any]:
        limits = self._state.limits()
        if answer["ready"] and limits == "unavailable":  # another gateway may reach the store
            answer = {**answer, "ready": False, "reason": "the store of the rate limits does not answer"}
        return {**answer, "limits": limits}

    async def _readiness(self) -> dict[str, Any]:
        if self._state.draining:
            return _answer(litellm="unknown", database="unknown", reason="the gateway is shutting down")
        loop = asyncio.get_running_loop()
        async with self._lock:  # those who ask meanwhile get the same answer
            if loop.time() >= self._answer_until:
                self._answer = await self._ask()
                self._answer_until = loop.time() + self._config.cache
            return self._answer

    async def _ask(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._config.timeout):
                status, body = await self._fetch()
        except (GatewayError, TimeoutError):
            return _answer(litellm="unreachable", database="unknown", reason="LiteLLM does not answer")
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        if not isinstance(said, dict):
            return _answer(litellm="unhealthy", database="unknown", reason="LiteLLM's readiness is not JSON")
        database = str(said.get("db", "")).lower()
        database = database if database in _DATABASE else "unknown"
        if said.get("status") != "healthy":
            return _answer(litellm="unhealthy", database=database, reason="LiteLLM says it is not healthy")
        if database == "disconnected":
            return _answer(litellm="healthy", database=database, reason="LiteLLM has lost its database")
        if self._config.require_database and database != "connected":
            return _answer(litellm="healthy", database=database, reason="LiteLLM has no database")
        if status != 200:
            return _answer(litellm="unhealthy", database=database, reason="LiteLLM says it is not ready")
        return _answer(litellm="healthy", database=database, reason=None)

    async def _fetch(self) -> tuple[int, bytes]:
        answer = await self._upstream.send("GET", self._config.path, CIMultiDict(), BytesBody(b""))
        try:
            body = b""
            async for piece in answer:
                body += piece
                if len(body) > _LARGEST:
                    return answer.status, b""
            return answer.status, body
        finally:
            await answer.aclose()


def _answer(*, litellm: str, database: str, reason: str | None) -> dict[str, Any]:
    return {"ready": reason is None, "litellm": litellm, "database": database, "reason": reason}


def _json(status: int, body: bytes) -> Response:
    headers = CIMultiDict({"Content-Type": JSON, "Cache-Control": "no-store"})
    return Response(status, headers, body)
