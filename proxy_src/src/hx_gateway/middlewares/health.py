"""Answers for the gateway itself: /healthz, and /readyz, which asks LiteLLM."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from multidict import CIMultiDict

from hx_gateway.errors import JSON, MethodNotAllowedError
from hx_gateway.message import Response
from hx_gateway.target import PREFIX
from hx_gateway.upstream.readiness import ask

if TYPE_CHECKING:
    from hx_gateway.config.upstream import Readiness
    from hx_gateway.message import Request
    from hx_gateway.middleware import Handler, ServiceState
    from hx_gateway.upstream.base import Upstream

ALIVE = '{"ok": true, "note": "HX wrapper – proxy mode"}'.encode()


class Health:
    """GET and HEAD of exactly /healthz and /readyz; everything else passes.

    /readyz answers 200 or 503 with `{"ready", "litellm", "database", "reason", "limits"}`: `litellm` is `healthy`,
    `unhealthy` or `unreachable`; `database` is `connected`, `not connected` (none configured), `disconnected` or
    `unknown`; `reason` is null when ready; `limits` says where rate limits are counted, see `ServiceState`.
    With several servers, `upstreams` counts those that are ready.
    """

    def __init__(self, config: Readiness, upstream: Upstream, state: ServiceState) -> None:
        self._config = config
        self._upstream = upstream
        self._state = state
        self._lock = asyncio.Lock()
        self._answer: dict[str, Any] = {}
        self._answer_until = 0.0

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Answer a health address, or pass the request on."""
        if request.target.startswith(PREFIX):
            return await call_next(request)
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
        """Ask every server: one that is ready will do; else the first speaks for all."""
        clients = self._upstream.checkers
        verdicts = await asyncio.gather(*(ask(client, self._config) for client in clients))
        ready = [verdict for verdict in verdicts if verdict.ready]
        litellm, database, reason = (ready or verdicts)[0]
        answer = _answer(litellm=litellm, database=database, reason=reason)
        if len(clients) > 1:
            answer["upstreams"] = {"ready": len(ready), "all": len(clients)}
        return answer


def _answer(*, litellm: str, database: str, reason: str | None) -> dict[str, Any]:
    return {"ready": reason is None, "litellm": litellm, "database": database, "reason": reason}


def _json(status: int, body: bytes) -> Response:
    headers = CIMultiDict({"Content-Type": JSON, "Cache-Control": "no-store"})
    return Response(status, headers, body)
