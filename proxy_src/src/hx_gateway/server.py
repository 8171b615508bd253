"""The client's side: aiohttp's low-level server, made to speak the pipeline's messages."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from multidict import CIMultiDict

from hx_gateway.errors import JSON, ExpectationError, GatewayError, MalformedRequestError, error_body
from hx_gateway.log import event
from hx_gateway.message import Request, Response
from hx_gateway.middlewares.request_id import HEADER, new_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hx_gateway.config.listen import Listen
    from hx_gateway.middleware import Handler, ServiceState

SERVER = "hx-gateway"


class ClientBody:
    """A client's request body, read from its connection with back-pressure."""

    __slots__ = ("_raw", "length")

    def __init__(self, raw: web.BaseRequest) -> None:
        self._raw = raw
        self.length: int | None = 0
        if raw.body_exists:
            self.length = None if hdrs.TRANSFER_ENCODING in raw.headers else raw.content_length

    def take(self) -> bytes | None:
        """Return the whole body if it has arrived with its head, as most do: that saves the upload a task."""
        content = self._raw.content
        if content.is_eof() and content.exception() is None and content.total_bytes == self.length:
            return content.read_nowait()
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raw = self._raw
        waits = hdrs.EXPECT in raw.headers and raw.version >= HttpVersion11  # RFC 9110 section 10.1.1
        if waits and self.length != 0 and raw.transport is not None:
            raw.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        content = raw.content
        try:
            while not content.at_eof():
                piece = await content.readany()
                if piece:
                    yield piece
        except web.RequestPayloadError:
            raise MalformedRequestError from None


class GatewayServer:
    """Accepts connections, runs each request through the pipeline, and drains."""

    def __init__(self, handler: Handler, listen: Listen, state: ServiceState) -> None:
        self._handler = handler
        self._listen = listen
        self._state = state
        self._active: dict[asyncio.Task[object], web.BaseRequest] = {}
        self._cutting = False
        self._http = _Server(
            self._handle,
            handler_cancellation=True,  # a client that leaves cancels its upstream call, before the first byte too
            access_log=None,
            auto_decompress=False,  # bodies are passed on as they are
            keepalive_timeout=listen.keepalive_timeout,
        )
        self._listener: asyncio.Server | None = None

    @property
    def active(self) -> int:
        """Requests being handled."""
        return len(self._active)

    async def start(self) -> tuple[str, int]:
        """Listen; return address and port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            self._http,
            self._listen.address,
            self._listen.port,
            backlog=self._listen.backlog,
            reuse_address=True,
        )
        address, port = self._listener.sockets[0].getsockname()[:2]
        return address, port

    async def drain(self, timeout: float, hurry: asyncio.Event) -> int:
        """Stop accepting, let requests in flight finish and their answers leave, then cut what is left.

        They have `timeout` seconds, less if `hurry` is set meanwhile. Returns how many connections were cut.
        """
        self._state.draining = True
        if self._listener is not None:
            self._listener.close()
        for _ in range(3):  # requests whose bytes are already read become active
            await asyncio.sleep(0)
        self._close_idle()
        cut = await self._finish_or_cut(timeout, hurry)
        await self._http.shutdown(0.1)
        return cut

    async def _finish_or_cut(self, timeout: float, hurry: asyncio.Event) -> int:
        connections = self._http.open
        if connections:
            ends = [asyncio.ensure_future(self._http.all_closed.wait()), asyncio.ensure_future(hurry.wait())]
            try:
                await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
        cut = list(connections.values())
        if cut:
            self._cutting = True
            for transport in cut:  # losing its connection cancels a handler
                _reset(transport)
            if self._active:
                await asyncio.wait(self._active, timeout=5)
        return len(cut)

    def _close_idle(self) -> None:
        busy = {id(raw.protocol) for raw in self._active.values()}
        for connection in list(self._http.open):
            if id(connection) not in busy:
                connection.force_close()

    async def _handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            raw.method,
            raw.raw_path,
            CIMultiDict(raw.headers),
            ClientBody(raw),
            raw.remote or "",
            (raw.version.major, raw.version.minor),
        )
        outcome = request.outcome
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - aiohttp runs handlers in tasks
        self._active[task] = raw
        try:
            response = await self._answer(request)
            try:
                return await self._send(raw, request, response)
            finally:
                await response.aclose()
        except asyncio.CancelledError:
            outcome.ended = "cut" if self._cutting else "client_gone"
            outcome.status = outcome.status or 499
            raise
        finally:
            del self._active[task]
            request.finish()

    async def _answer(self, request: Request) -> Response:
        """Run the pipeline; what it raises is answered here only if no middleware has."""
        try:
            _check_protocol(request)
            return await self._handler(request)
        except GatewayError as error:
            shown = error
        except Exception:
            event("unexpected_error", logging.ERROR, exc_info=True, id=request.id)
            shown = GatewayError()
        request.id = request.id or new_id()
        event(shown.code, id=request.id, client=request.client)
        headers = CIMultiDict({**shown.headers, hdrs.CONTENT_TYPE: JSON, HEADER: request.id})
        return Response(shown.status, headers, error_body(shown, request.id), close=shown.close)

    async def _send(self, raw: web.BaseRequest, request: Request, response: Response) -> web.StreamResponse:
        outcome = request.outcome
        body = response.body
        out: web.StreamResponse
        if isinstance(body, bytes):
            out = web.Response(status=response.status, headers=response.headers, body=body)
        elif hdrs.CONTENT_LENGTH in response.headers:
            out = _SizedResponse(status=response.status, headers=response.headers)
        else:
            out = web.StreamResponse(status=response.status, headers=response.headers)
        out.headers.setdefault(hdrs.SERVER, SERVER)
        if response.close or self._state.draining:
            out.force_close()
        outcome.status = response.status
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
            _break_off(raw, out)
            raise ConnectionAbortedError from error
        except ConnectionError:
            outcome.ended = "client_gone"
            raise
        return out


def _check_protocol(request: Request) -> None:
    """Refuse what aiohttp's parser lets through.

    That is HTTP/0.9, 2.0 and the like, chunks before HTTP/1.1 (RFC 9112 section 6.1), and expectations other than
    100-continue (RFC 9110 section 10.1.1).
    """
    if request.version not in {(1, 0), (1, 1)}:
        raise MalformedRequestError
    if request.version == (1, 0) and hdrs.TRANSFER_ENCODING in request.headers:
        raise MalformedRequestError
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise ExpectationError


def _break_off(raw: web.BaseRequest, out: web.StreamResponse) -> None:
    """End a response so that the client cannot take it for whole.

    With a length or chunks the missing end says so, and what was sent still arrives; without, the end of the
    connection is the end of the body (RFC 9112 section 6.3), so it is reset.
    """
    if hdrs.CONTENT_LENGTH in out.headers or hdrs.TRANSFER_ENCODING in out.headers:
        if raw.transport is not None:
            raw.transport.close()
    else:
        _reset(raw.transport)


def _reset(transport: asyncio.Transport | None) -> None:
    """Close a connection with RST instead of FIN, dropping what is not yet sent."""
    if transport is None:
        return
    channel = transport.get_extra_info("socket")
    if channel is not None:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _SizedResponse(web.StreamResponse):
    """A response of known length: its head goes out with the first bytes of its body, in one write."""

    _send_headers_immediately = False


class _Connection(RequestHandler):
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


class _Server(web.Server):
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
        return _Connection(self, loop=self._loop, **self._kwargs)
