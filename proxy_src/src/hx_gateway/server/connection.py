"""A client's connection: aiohttp's, with the limits and the errors it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aiohttp import hdrs, web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from hx_gateway.errors import JSON, GatewayError, MalformedRequestError, RequestTimeoutError, error_body
from hx_gateway.log import event
from hx_gateway.middlewares.request_id import HEADER, new_id
from hx_gateway.server.framing import ChunkOverhead, head_size
from hx_gateway.server.transport import reset, unsent

if TYPE_CHECKING:
    import asyncio

    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

    from hx_gateway.config.limits import Limits
    from hx_gateway.server.connections import ConnectionServer

SERVER = "hx-gateway"

_FIRST_LOOK = 1.0
"""Seconds until it is noted how much waits for a client that takes nothing."""

_REFUSAL = 1.0
"""Seconds in which a refused client can read why."""


class Connection(RequestHandler):
    """One connection of a client.

    aiohttp limits how long a connection is idle, and nothing else. Here a head has to end in time, its size and the
    overhead of chunks are bounded, and a client that takes nothing of what waits for it is let go.
    """

    __slots__ = ("_body", "_head_bytes", "_head_clock", "_limits", "_overhead", "_refused", "_server", "_write_clock")

    def __init__(self, server: ConnectionServer, limits: Limits, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._limits = limits
        self._head_clock: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._refused = False
        """What still arrives is not looked at."""
        self._body = EMPTY_PAYLOAD
        self._overhead: ChunkOverhead | None = None
        self._write_clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the connection, or refuse it if there are too many."""
        error = self._server.judge(transport)
        if error is None:
            super().connection_made(transport)
            return
        self._force_close = True  # nothing it sends is looked at
        self._server.refuse(transport, error)
        self._loop.call_later(_REFUSAL, transport.close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop every clock."""
        self._stop_head_clock()
        self._stop_write_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse `data`, and see that it stays within the limits."""
        if self._refused:
            return
        heads = self._request_count
        in_body = not self._body.is_eof()
        super().data_received(data)
        if self._request_count != heads:
            self._heads_ended(self._request_count - heads, data)
        elif in_body:
            if self._overhead is not None and self._overhead.exceeded_by(len(data)):
                self._refuse(MalformedRequestError())
        elif data and not self._force_close and not self._close:
            self._head_goes_on(len(data))

    def _heads_ended(self, count: int, data: bytes) -> None:
        self._stop_head_clock()
        size, self._head_bytes = self._head_bytes + len(data), 0
        message, self._body = self._messages[-1]
        self._overhead = None
        if isinstance(message, _ErrInfo):
            self._refused = True
            self._break_bodies()
            return
        if count > 1 or message.chunked or size > self._limits.header_bytes_max:
            self._measure(count, size)

    def _measure(self, count: int, size: int) -> None:
        """Refuse the newest `count` requests, which took `size` bytes so far, if a head or framing is too large."""
        newest = cast("list[tuple[RawRequestMessage, StreamReader]]", list(self._messages)[-count:])
        heads = [head_size(message) for message, _ in newest]
        chunked = any(message.chunked for message, _ in newest)
        if max(heads) > self._limits.header_bytes_max:
            self._refuse(MalformedRequestError(), instead_of=count)
        elif chunked:
            whole = sum(heads) + sum(body.total_bytes for _, body in newest if body is not self._body)
            self._overhead = ChunkOverhead(self._body)
            if self._overhead.exceeded_by(size - whole):
                self._refuse(MalformedRequestError(), instead_of=count)

    def _head_goes_on(self, received: int) -> None:
        self._head_bytes += received
        if self._head_bytes > self._limits.header_bytes_max:
            self._refuse(MalformedRequestError())
        elif self._head_clock is None and self._limits.header_timeout:
            self._head_clock = self._loop.call_later(self._limits.header_timeout, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_clock = None
        self._refuse(RequestTimeoutError())

    def _refuse(self, error: GatewayError, *, instead_of: int = 0) -> None:
        """Answer with `error` once the requests before are answered, in place of the newest ones; listen no more."""
        self._refused = True
        self._stop_head_clock()
        self._break_bodies()
        for _ in range(instead_of):
            self._messages.pop()
        self._messages.append((_ErrInfo(error.status, error, ""), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break_bodies(self) -> None:
        """Tell whoever reads a body that is not HTTP that it is broken, which aiohttp does not."""
        bodies = [self._body, *(payload for _, payload in self._messages)]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        for body in bodies:
            if not body.is_eof():
                body.set_exception(web.RequestPayloadError("malformed body"))

    def _process_keepalive(self) -> None:
        """Close an idle connection; one in the middle of a head has a clock of its own."""
        if self._head_clock is None:
            super()._process_keepalive()
        else:
            self._keepalive_handle = None

    def pause_writing(self) -> None:
        """Start to watch a client that does not take what is sent."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Let it go on."""
        self._stop_write_clock()
        super().resume_writing()

    def force_close(self) -> None:
        """Close the connection; what still has to be sent must be taken in time."""
        self._watch_writing()
        super().force_close()

    async def start(self) -> None:
        """Handle requests until the connection closes; what then has to be sent must be taken in time."""
        await super().start()
        self._watch_writing()

    def _watch_writing(self) -> None:
        transport = self.transport
        if transport is None or self._write_clock is not None or not self._limits.write_timeout:
            return
        if transport.get_write_buffer_size():
            self._write_clock = self._loop.call_later(_FIRST_LOOK, self._check_writing, transport, 0)

    def _check_writing(self, transport: asyncio.Transport, before: int) -> None:
        waiting = unsent(transport)
        if before and waiting >= before:
            event("client_stalled", bytes_unsent=waiting)
            self._write_clock = None
            reset(transport)
        else:
            self._write_clock = self._loop.call_later(
                self._limits.write_timeout, self._check_writing, transport, waiting
            )

    def _stop_write_clock(self) -> None:
        if self._write_clock is not None:
            self._write_clock.cancel()
            self._write_clock = None

    def _stop_head_clock(self) -> None:
        if self._head_clock is not None:
            self._head_clock.cancel()
            self._head_clock = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's text repeats bytes of the request
    ) -> web.StreamResponse:
        """Answer what never became a request: bytes that are not HTTP, or not within the limits."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionAbortedError  # too late for an answer
        error = exc if isinstance(exc, GatewayError) else MalformedRequestError() if status < 500 else GatewayError()
        request_id = new_id()
        event(error.code, id=request_id, client=request.remote or "", cause=type(exc).__name__)
        response = web.Response(
            status=error.status,
            headers={hdrs.CONTENT_TYPE: JSON, hdrs.SERVER: SERVER, HEADER: request_id},
            body=error_body(error, request_id),
        )
        response.force_close()
        return response
