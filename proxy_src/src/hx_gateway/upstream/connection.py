"""One connection to the upstream, as a protocol of the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp.http_parser import HttpResponseParser

from hx_gateway.clock import Clock
from hx_gateway.errors import UpstreamBrokenError, UpstreamTimeoutError
from hx_gateway.upstream.codings import check_codings
from hx_gateway.upstream.untouched import nothing_arrived
from hx_gateway.whole_message import body_begin, is_framed_so

if TYPE_CHECKING:
    from aiohttp.http_parser import RawResponseMessage
    from aiohttp.streams import StreamReader

    from hx_gateway.upstream.exchange import Exchange
    from hx_gateway.upstream.pool import Pool

_BUFFER = 65536
"""Bytes of a body that wait for a slow client before reading stops at twice as much."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time; what reads its bodies is aiohttp's parser and stream."""

    __slots__ = (
        "_before",
        "_closing",
        "_drained",
        "_ended",
        "_heads",
        "_loop",
        "_parser",
        "_pool",
        "_reading_paused",
        "_repeatable",
        "_reusable_parser",
        "_written",
        "clock",
        "exchange",
        "idle_since",
        "made_at",
        "transport",
        "writing_paused",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Pool) -> None:
        self._loop = loop
        self._pool = pool
        self.transport: asyncio.Transport | None = None
        self.exchange: Exchange | None = None
        self.clock = Clock(loop, self._time_is_up)
        self.idle_since = 0.0
        self.made_at = loop.time()
        self.writing_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._parser: Any = None
        self._heads: Any = None
        """Reads heads of answers that arrive whole."""
        self._reusable_parser: Any = None
        self._closing = False
        """Not to be used for another exchange."""
        self._ended = False
        """The upstream has said that it will send no more."""
        self._repeatable = False
        self._written = 0
        self._before = 0
        """Bytes written before the exchange that runs."""

    # what the client does

    def begin(self, exchange: Exchange, method: str, data: list[bytes], *, whole: bool) -> None:
        """Write `data`, a whole request or the beginning of one, and hand what answers it to `exchange`."""
        self.exchange = exchange
        self._repeatable = whole
        # None until it is known whether the answer arrives whole
        self._parser = self._new_parser(with_body=False) if method == "HEAD" else None
        self._before = self._written
        self.write(data)

    def write(self, data: list[bytes]) -> None:
        """Send pieces, in one write."""
        transport = self.transport
        if transport is None:
            return
        if len(data) == 1:
            self._written += len(data[0])
            transport.write(data[0])
        else:
            self._written += sum(map(len, data))
            transport.writelines(data)

    async def drained(self) -> None:
        """Wait until there is room to write, or the connection is lost."""
        if self.writing_paused and self.transport is not None:
            self._drained = self._loop.create_future()
            await self._drained

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self.exchange = None
        self._closing = True
        self.clock.stop()
        if self.transport is not None:
            self.transport.abort()

    def shut(self) -> None:
        """Close at once, and tell who waits for an answer."""
        exchange = self.exchange
        self.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.fail(UpstreamBrokenError())

    @property
    def usable(self) -> bool:
        """Whether another exchange may begin."""
        return not self._closing and self.transport is not None and not self.transport.is_closing()

    # what the body's stream asks (aiohttp's BaseProtocol)

    @property
    def connected(self) -> bool:
        """Whether more may come."""
        return self.transport is not None

    def pause_reading(self) -> None:
        """Stop reading: the client takes its time."""
        if not self._reading_paused and self.transport is not None:
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: ARG002 - the parser itself never pauses
        """Read on."""
        if self._reading_paused:
            self._reading_paused = False
            if self.transport is not None:
                self.transport.resume_reading()

    # what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self.transport = transport  # type: ignore[assignment]  # a stream's
        if self._closing:  # nobody waits for it any more
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Parse a piece of an answer."""
        exchange = self.exchange
        if exchange is None:  # nobody asked
            self.abort()
            return
        try:
            if self._parser is None:
                if self._take_whole(exchange, data):
                    return
                self._heads = None  # a stream would keep what it has read for long
                self._parser = self._body_parser()
            messages, upgraded, _ = self._parser.feed_data(data)
            for message, payload in messages:
                self._on_head(exchange, message, payload)
        except Exception as error:  # whatever the parser raises, this is not HTTP
            self._break(exchange, error)
            return
        if upgraded:  # nothing asks for that
            self._break(exchange, None)
        elif exchange.answered:
            if exchange.payload.is_eof():
                self._complete(exchange)
            exchange.arrived()

    def eof_received(self) -> None:
        """Note that the upstream has closed its side; the transport then closes."""
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was under way."""
        exchange = self.exchange
        lost = UpstreamBrokenError()
        if exchange is not None and not exchange.answered:
            lost.unsent = (
                self._repeatable
                and self._ended
                and self.transport is not None
                and nothing_arrived(self.transport, self._before)
            )
        self.transport = None
        self.exchange = None
        self._closing = True
        self.clock.stop()
        self.resume_writing()
        self._pool.closed(self)
        if exchange is None:
            self._parser = self._reusable_parser = self._heads = None  # they hold this connection
            return
        exchange.connection = None
        if exchange.answered and exc is None:
            try:
                self._parser.feed_eof()  # ends a body that has no other end, refuses any other
            except Exception as error:  # the parser has a dozen kinds
                exc = error
        self._parser = self._reusable_parser = self._heads = None  # they hold this connection
        if not exchange.answered or not exchange.payload.is_eof():
            exchange.fail(lost, exc)
        else:
            exchange.over(whole=True)
            exchange.arrived()

    def pause_writing(self) -> None:
        """Note that the upstream does not read as fast as is written."""
        self.writing_paused = True

    def resume_writing(self) -> None:
        """Wake who waits to write."""
        self.writing_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # within

    def _new_parser(self, *, with_body: bool) -> Any:
        return HttpResponseParser(
            self,  # type: ignore[arg-type]  # all that the stream needs of aiohttp's protocol is here
            self._loop,
            _BUFFER,
            response_with_body=with_body,
            read_until_eof=True,
            auto_decompress=False,
        )

    def _body_parser(self) -> Any:
        if self._reusable_parser is None:
            self._reusable_parser = self._new_parser(with_body=True)
        return self._reusable_parser

    def _take_whole(self, exchange: Exchange, data: bytes) -> bool:
        """Take `data` if it is one whole answer with a length. Raises whatever the parser does."""
        begin = body_begin(data)
        # the parser takes a line feed for a line's end, which could end the head before
        if not begin or data.count(b"\n", 0, begin) != data.count(b"\r\n", 0, begin):
            return False
        if self._heads is None:
            self._heads = self._new_parser(with_body=False)
        messages, upgraded, _ = self._heads.feed_data(data[:begin])
        if len(messages) != 1 or upgraded:
            return False
        message: RawResponseMessage = messages[0][0]
        if message.code < 200 or message.code in {204, 304} or not is_framed_so(message, len(data) - begin):
            return False
        if "Content-Length" not in message.headers:
            return False
        if message.should_close:
            self._closing = True
        exchange.begin(message, data[begin:])
        self._complete(exchange)
        return True

    def _on_head(self, exchange: Exchange, message: RawResponseMessage, payload: StreamReader) -> None:
        if exchange.answered:  # one answer to a request
            self._closing = True
        elif message.code >= 200:
            check_codings(message.headers, message.version)
            if message.should_close:
                self._closing = True
            if message.chunked:  # trailers would stay in the parser and join the head that comes next
                self._reusable_parser = None
            exchange.begin(message, payload)
        # else an interim answer (RFC 9110 section 15.2): nothing here waits for one

    def _complete(self, exchange: Exchange) -> None:
        """Give the connection back if nothing but the answer came and the request was sent to its end."""
        self.exchange = None
        self.clock.run_until(None)
        exchange.connection = None
        exchange.over(whole=True)
        if exchange.upload is not None:
            exchange.stop_upload()
            self._closing = True
        parser = self._parser
        # feed_eof returns what it holds of another answer; it changes nothing at the end of one
        if self._closing or (parser is not None and parser.feed_eof() is not None):
            self.abort()
        else:
            self._pool.release(self)

    def _break(self, exchange: Exchange, cause: BaseException | None) -> None:
        self.abort()
        exchange.connection = None
        exchange.fail(UpstreamBrokenError(), cause)

    def _time_is_up(self) -> None:
        exchange = self.exchange
        if exchange is not None:
            self.abort()
            exchange.connection = None
            exchange.fail(UpstreamTimeoutError())
