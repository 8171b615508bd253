"""One request and its answer: through the pipeline, and out on the connection."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from aiohttp import hdrs
from multidict import CIMultiDict

from hx_gateway.errors import JSON, GatewayError, error_body
from hx_gateway.log import event
from hx_gateway.message import Request, Response
from hx_gateway.middlewares.request_id import HEADER, new_id
from hx_gateway.server import answer
from hx_gateway.server.body import ClientBody
from hx_gateway.server.protocol import protocol_check
from hx_gateway.server.stream import StreamedAnswer
from hx_gateway.server.under_way import UnderWay

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

    from hx_gateway.config import Config
    from hx_gateway.middleware import Handler, ServiceState
    from hx_gateway.server.connection import Connection
    from hx_gateway.server.intake import Content
    from hx_gateway.server.refusals import Refusals


class Exchanges:
    """Runs each request through the pipeline and sends its answer; knows which are under way."""

    def __init__(self, handler: Handler, config: Config, state: ServiceState, refusals: Refusals) -> None:
        self._state = state
        self._refusals = refusals
        self.active: set[Connection] = set()
        """Connections whose requests are being handled."""
        self.cutting = False
        """Requests that are cancelled from here on are cut by the gateway, not left by their clients."""
        self._under_way = UnderWay()
        self.configure(handler, config)

    def configure(self, handler: Handler, config: Config) -> UnderWay:
        """Run requests that begin from here on through `handler`; return those that run through the one before."""
        before, self._under_way = self._under_way, UnderWay()
        self._handler = handler
        self._limits = config.limits
        self._check = protocol_check(config.limits.upgrades_ignored)
        return before

    async def __call__(self, connection: Connection, message: RawRequestMessage, content: Content) -> bool:
        """Handle one request; return whether another may follow on its connection."""
        body = ClientBody(connection, message, content, self._limits)
        request = Request(
            message.method, message.path, CIMultiDict(message.headers), body, connection.peer, message.version
        )
        # aiohttp's parser makes the last trailer of a chunked request a header of the next one, which may be another
        # client's where a proxy shares its connections; behind an offer of another protocol it loses what came with it
        keep = not (message.should_close or message.chunked or hdrs.UPGRADE in message.headers)
        del message, content  # a stream would keep them for long
        under_way = self._under_way
        under_way.count += 1
        connection.busy = True
        self.active.add(connection)
        try:
            response = await self._answer(request, body)
            if not isinstance(response.body, bytes):
                del body
                request.let_body_go()
                connection.is_streaming()
            try:
                return await self._send(connection, request, response, keep=keep)
            finally:
                if not isinstance(response.body, bytes):
                    await response.body.aclose()
        except asyncio.CancelledError:
            outcome = request.outcome
            outcome.ended = "cut" if self.cutting else "client_gone"
            outcome.status = outcome.status or 499
            raise
        finally:
            connection.busy = False
            self.active.remove(connection)
            request.finish()
            under_way.leave()

    async def _answer(self, request: Request, body: ClientBody) -> Response:
        """Run the pipeline; what it raises is answered here only if no middleware has."""
        try:
            self._check(request)
            body.check()
        except GatewayError as error:
            self._refusals.tell(error, request.client, _id(request))
            return _error(error, request)
        try:
            return await self._handler(request)
        except GatewayError as error:
            event(error.code, id=_id(request), client=request.client)
            return _error(error, request)
        except Exception:
            event("unexpected_error", logging.ERROR, exc_info=True, id=_id(request))
            return _error(GatewayError(), request)

    async def _send(self, connection: Connection, request: Request, response: Response, *, keep: bool) -> bool:
        keep = keep and not (response.close or self._state.draining)
        body = response.body
        try:
            if isinstance(body, bytes):
                return await _send_whole(connection, request, response, body, keep=keep)
            if not answer.has_body(request, response.status):
                return await _send_whole(connection, request, response, None, keep=keep)
            streamed = StreamedAnswer(connection, request, response, keep=keep)
        except ValueError:  # a header that would split the message
            event("unexpected_error", logging.ERROR, exc_info=True, id=_id(request))
            failed = _error(GatewayError(), request)
            return await _send_whole(connection, request, failed, b"", keep=False)
        outcome = request.outcome
        outcome.status = response.status
        try:
            await streamed.send(body)
        except GatewayError as error:
            outcome.ended = "upstream_broken"
            event(error.code, logging.WARNING, id=request.id, bytes_sent=outcome.bytes_sent)
            return False
        return streamed.keeps


async def _send_whole(
    connection: Connection, request: Request, response: Response, body: bytes | None, *, keep: bool
) -> bool:
    outcome = request.outcome
    pieces = answer.whole(request, response.status, response.headers, body, keep=keep)
    outcome.status = response.status
    transport = connection.transport
    if transport is None or transport.is_closing():
        outcome.ended = "client_gone"
        return False
    for piece in pieces:
        transport.write(piece)
    outcome.first_byte_after = time.monotonic() - request.started
    outcome.bytes_sent = len(body) if body else 0
    if connection.writing_paused:
        await connection.drained()
    return keep


def _error(error: GatewayError, request: Request) -> Response:
    headers = CIMultiDict({**error.headers, **error.own_headers, hdrs.CONTENT_TYPE: JSON, HEADER: _id(request)})
    return Response(error.status, headers, error_body(error, request.id), close=error.close)


def _id(request: Request) -> str:
    request.id = request.id or new_id()
    return request.id
