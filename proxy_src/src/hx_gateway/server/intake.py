"""What a client sends, turned into requests, and held to the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import web
from aiohttp.http_parser import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD

from hx_gateway.errors import GatewayError, MalformedRequestError, RequestTimeoutError
from hx_gateway.server.framing import ChunkOverhead, head_size
from hx_gateway.whole_message import body_begin, is_framed_so

if TYPE_CHECKING:
    import asyncio

    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

    from hx_gateway.clock import Clock
    from hx_gateway.config.limits import Limits

    Content: TypeAlias = "bytes | StreamReader"
    """A body: all of it, or what it arrives in."""
    Arrival: TypeAlias = "tuple[RawRequestMessage | GatewayError, Content]"

_BUFFER = 65536
"""Bytes of a body that wait to be read before reading from the client stops at twice as much."""

_LONGEST_LINE = 8190
"""Bytes of a request line, and of one header."""

QUEUE_MAX = 16
"""Requests that wait behind the one that is answered; more stay in the kernel."""


class Intake:
    """Reads requests with aiohttp's C parser, and adds the limits it lacks.

    A head has to end in time, its size and the overhead of chunks are bounded. After a request that is refused nothing
    more is looked at.
    """

    __slots__ = (
        "_body",
        "_clock",
        "_head_bytes",
        "_heads",
        "_limits",
        "_loop",
        "_overhead",
        "_parser",
        "_protocol",
        "deaf",
        "queue",
    )

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop, clock: Clock, limits: Limits) -> None:
        self._loop = loop
        self._clock = clock
        self._limits = limits
        self._protocol = protocol
        self._heads: Any = None
        """Reads heads of requests that arrive whole, until one does not."""
        self._parser: Any = None
        """Reads all that comes after that."""
        self._head_bytes = 0
        self._body: StreamReader = EMPTY_PAYLOAD
        self._overhead: ChunkOverhead | None = None
        self.deaf = False
        """What still arrives is not looked at."""
        self.queue: list[Arrival] = []  # short, and a deque takes 700 bytes for itself
        """Requests to be answered; an error stands for one that is none."""

    @property
    def in_head(self) -> bool:
        """Whether a head has begun and not ended."""
        return self._head_bytes > 0

    def feed(self, data: bytes) -> None:
        """Parse `data`, and see that it stays within the limits."""
        if self.deaf:
            return
        if self._parser is None:
            if self._feed_whole(data):
                return
            self._heads = None
            self._parser = self._new_parser(with_body=True)
        body, in_body, before = self._body, not self._body.is_eof(), self._body.total_bytes
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except Exception:  # whatever the parser raises, this is not HTTP
            self._refuse(MalformedRequestError())
            return
        if upgraded:  # what follows is not HTTP
            self.deaf = True
        if messages:
            self.queue.extend(messages)
            self._heads_ended(messages, len(data) - (body.total_bytes - before))
        elif in_body:
            if self._overhead is not None and self._overhead.exceeded_by(len(data)):
                self._refuse(MalformedRequestError())
        elif data:
            self._head_goes_on(len(data))

    def next(self) -> Arrival:
        """Return the first of the queue."""
        arrival = self.queue.pop(0)
        if self._parser is not None:
            self._parser.message_consumed()
        return arrival

    def rest(self) -> None:
        """Let go of what the parser keeps of a request that arrived whole: its answer will take long."""
        self._heads = None

    def head_is_late(self) -> None:
        """Refuse the head that has begun."""
        self._refuse(RequestTimeoutError())

    def close(self) -> None:
        """Look at nothing more, and let go of the parser and the body, which hold the connection."""
        self.deaf = True
        self._heads = self._parser = self._protocol = None
        self._break_body()
        self._body = EMPTY_PAYLOAD

    def _feed_whole(self, data: bytes) -> bool:
        """Take `data` if it is one whole request; return whether it was taken, or refused."""
        begin = body_begin(data)
        # a request line begins with its method; llhttp would skip line ends before it
        if not begin or not data[:1].isupper() or begin > self._limits.header_bytes_max:
            return False
        if self._heads is None:
            self._heads = self._new_parser(with_body=False)
        try:
            messages, upgraded, _ = self._heads.feed_data(data[:begin])
        except Exception:  # whatever the parser raises, this is not HTTP
            self._refuse(MalformedRequestError())
            return True
        if len(messages) != 1 or upgraded or not is_framed_so(messages[0][0], len(data) - begin):
            return False
        self.queue.append((messages[0][0], data[begin:]))
        self._clock.run_until(None)
        return True

    def _new_parser(self, *, with_body: bool) -> Any:
        return HttpRequestParser(
            self._protocol,
            self._loop,
            _BUFFER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=self._limits.headers_max,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,  # bodies are passed on as they are
            max_msg_queue_size=QUEUE_MAX if with_body else 0,
            response_with_body=with_body,
        )

    def _heads_ended(self, messages: list[tuple[RawRequestMessage, StreamReader]], received: int) -> None:
        """Know that `messages` have begun in the `received` bytes that belong to none before them."""
        size, self._head_bytes = self._head_bytes + received, 0
        self._clock.run_until(None)
        message, self._body = messages[-1]
        self._overhead = None
        if len(messages) > 1 or message.chunked or size > self._limits.header_bytes_max:
            self._measure(messages, size)

    def _measure(self, newest: list[tuple[RawRequestMessage, StreamReader]], size: int) -> None:
        """Refuse the `newest` requests, which took `size` bytes so far, if a head or framing is too large."""
        heads = [head_size(message) for message, _ in newest]
        if max(heads) > self._limits.header_bytes_max:
            self._refuse(MalformedRequestError(), instead_of=len(newest))
        elif any(message.chunked for message, _ in newest):
            whole = sum(heads) + sum(body.total_bytes for _, body in newest if body is not self._body)
            self._overhead = ChunkOverhead(self._body)
            if self._overhead.exceeded_by(size - whole):
                self._refuse(MalformedRequestError(), instead_of=len(newest))

    def _head_goes_on(self, received: int) -> None:
        begins = not self._head_bytes
        self._head_bytes += received
        if self._head_bytes > self._limits.header_bytes_max:
            self._refuse(MalformedRequestError())
        elif begins:
            timeout = self._limits.header_timeout
            self._clock.run_until(self._loop.time() + timeout if timeout else None)

    def _refuse(self, error: GatewayError, *, instead_of: int = 0) -> None:
        """Have `error` answered once the requests before are answered, in place of the newest ones."""
        self.deaf = True
        self._clock.run_until(None)
        self._head_bytes = 0
        self._break_body()
        for _ in range(instead_of):
            self.queue.pop()
        self.queue.append((error, EMPTY_PAYLOAD))

    def _break_body(self) -> None:
        """Tell whoever reads the last body that it will not end, which aiohttp does not."""
        if not self._body.is_eof():
            self._body.set_exception(web.RequestPayloadError("malformed body"))
