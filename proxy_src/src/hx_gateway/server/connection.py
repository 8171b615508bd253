"""aiohttp's low-level server and its connections, with what they lack."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from hx_gateway.errors import JSON, GatewayError, MalformedRequestError, error_body
from hx_gateway.log import event
from hx_gateway.middlewares.request_id import HEADER, new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SERVER = "hx-gateway"


class Connection(RequestHandler):
    """aiohttp's connection, with errors that have our shape and echo nothing."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Parse `data`; where a body stops being HTTP, tell whoever reads that body, which aiohttp does not."""
        super().data_received(data)
        if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
            bodies = [payload for _, payload in self._messages]
            if self._current_request is not None:
                bodies.append(self._current_request.content)
            for body in bodies:
                if not body.is_eof():
                    body.set_exception(web.RequestPayloadError("malformed body"))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's text repeats bytes of the request
    ) -> web.StreamResponse:
        """Answer what aiohttp itself refuses: bytes that are not HTTP."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionAbortedError  # too late for an answer
        error = MalformedRequestError() if status < 500 else GatewayError()
        request_id = new_id()
        event(error.code, id=request_id, client=request.remote or "", cause=type(exc).__name__)
        response = web.Response(
            status=error.status,
            headers={hdrs.CONTENT_TYPE: JSON, hdrs.SERVER: SERVER, HEADER: request_id},
            body=error_body(error, request_id),
        )
        response.force_close()
        return response


class ConnectionServer(web.Server):
    """aiohttp's server, making connections of ours and keeping them in view until their last byte is sent."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], **options: Any) -> None:
        super().__init__(handler, **options)
        self.open: dict[RequestHandler, asyncio.Transport] = {}
        self.all_closed = asyncio.Event()
        """Set while there is no connection."""

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Note a connection."""
        super().connection_made(handler, transport)
        self.open[handler] = transport
        self.all_closed.clear()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        self.open.pop(handler, None)
        if not self.open:
            self.all_closed.set()

    def __call__(self) -> RequestHandler:
        """Return what the event loop asks for: the protocol of one connection."""
        return Connection(self, loop=self._loop, **self._kwargs)
