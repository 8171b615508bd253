"""One request and its answer: through the pipeline, and out on the connection."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from multidict import CIMultiDict

from hx_gateway.errors import JSON, GatewayError, error_body
from hx_gateway.log import event
from hx_gateway.message import Request, Response
from hx_gateway.middlewares.request_id import HEADER, new_id
from hx_gateway.server import whole
from hx_gateway.server.body import ClientBody
from hx_gateway.server.connection import SERVER
from hx_gateway.server.protocol import protocol_check
from hx_gateway.server.transport import break_off

if TYPE_CHECKING:
    from hx_gateway.config import Config
    from hx_gateway.middleware import Handler, ServiceState


class Exchanges:
    """Runs each request through the pipeline and sends its answer; knows which are under way."""

    def __init__(self, handler: Handler, config: Config, state: ServiceState) -> None:
        self._state = state
        self.configure(handler, config)
        self.active: dict[asyncio.Task[object], web.BaseRequest] = {}
        self.cutting = False
        """Requests that are cancelled from here on are cut by the gateway, not left by their clients."""

    def configure(self, handler: Handler, config: Config) -> None:
        """Run requests that begin from here on through `handler`."""
        self._handler = handler
        self._limits = config.limits
        self._check = protocol_check(config.limits.upgrades_ignored)

    async def __call__(self, raw: web.BaseRequest) -> web.StreamResponse:
        """Handle one request."""
        body = ClientBody(raw, self._limits)
        request = Request(
            raw.method,
            raw.raw_path,
            CIMultiDict(raw.headers),
            body,
            raw.remote or "",
            raw.version,
        )
        outcome = request.outcome
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - aiohttp runs handlers in tasks
        self.active[task] = raw
        try:
            response = await self._answer(request, body)
            try:
                return await self._send(raw, request, response)
            finally:
                await response.aclose()
        except asyncio.CancelledError:
            outcome.ended = "cut" if self.cutting else "client_gone"
            outcome.status = outcome.status or 499
            raise
        finally:
            del self.active[task]
            request.finish()

    async def _answer(self, request: Request, body: ClientBody) -> Response:
        """Run the pipeline; what it raises is answered here only if no middleware has."""
        try:
            self._check(request)
            body.check()
            return await self._handler(request)
        except GatewayError as error:
            shown = error
        except Exception:
            event("unexpected_error", logging.ERROR, exc_info=True, id=request.id)
            shown = GatewayError()
        request.id = request.id or new_id()
        event(shown.code, id=request.id, client=request.client)
        headers = CIMultiDict({**shown.headers, **shown.own_headers, hdrs.CONTENT_TYPE: JSON, HEADER: request.id})
        return Response(shown.status, headers, error_body(shown, request.id), close=shown.close)

    async def _send(self, raw: web.BaseRequest, request: Request, response: Response) -> web.StreamResponse:
        outcome = request.outcome
        body = response.body
        outcome.status = response.status
        out: web.StreamResponse
        if isinstance(body, bytes):
            if not response.close and not self._state.draining and whole.applies(raw, response.status):
                return await _send_whole(raw, request, response, body)
            out = web.Response(status=response.status, headers=response.headers, body=body)
        elif hdrs.CONTENT_LENGTH in response.headers:
            out = _SizedResponse(status=response.status, headers=response.headers)
        else:
            out = web.StreamResponse(status=response.status, headers=response.headers)
        out.headers.setdefault(hdrs.SERVER, SERVER)
        # behind an offer of another protocol aiohttp loses what came with it: nothing may be read after that
        if response.close or self._state.draining or hdrs.UPGRADE in raw.headers:
            out.force_close()
        try:
            await out.prepare(raw)
            outcome.first_byte_after = time.monotonic() - request.started
            if isinstance(body, bytes):
                outcome.bytes_sent = len(body)
            else:
                async for piece in body:
                    if outcome.first_piece_after is None:
                        outcome.first_piece_after = time.monotonic() - request.started
                    await out.write(piece)
                    outcome.bytes_sent += len(piece)
            await out.write_eof()
        except GatewayError as error:
            outcome.ended = "upstream_broken"
            event(error.code, logging.WARNING, id=request.id, bytes_sent=outcome.bytes_sent)
            break_off(raw, out)
            raise ConnectionAbortedError from error
        except ConnectionError:
            outcome.ended = "client_gone"
            raise
        return out


async def _send_whole(raw: web.BaseRequest, request: Request, response: Response, body: bytes) -> web.StreamResponse:
    outcome = request.outcome
    try:
        whole.write(raw, response.status, response.headers, body)
        outcome.first_byte_after = time.monotonic() - request.started
        outcome.bytes_sent = len(body)
        return await whole.taken(raw)
    except ConnectionError:
        outcome.ended = "client_gone"
        raise


class _SizedResponse(web.StreamResponse):
    """A response of known length: its head goes out with the first bytes of its body, in one write."""

    _send_headers_immediately = False
