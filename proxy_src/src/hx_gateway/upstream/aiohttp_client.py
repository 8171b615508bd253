"""The reference upstream client, on aiohttp's ClientSession."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from hx_gateway.errors import UpstreamBrokenError, UpstreamTimeoutError, UpstreamUnreachableError
from hx_gateway.headers import end_to_end
from hx_gateway.upstream.codings import check_codings
from hx_gateway.upstream.origin import address
from hx_gateway.upstream.routes import timeouts_by_route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from multidict import CIMultiDict

    from hx_gateway.config.upstream import Upstream
    from hx_gateway.message import Body

_NO_AUTO_HEADERS = frozenset({"Accept", "Accept-Encoding", "Content-Type", "User-Agent"})
_DNS_CACHE = 10
"""Seconds a name is not asked for again."""


class AiohttpUpstream:
    """Pooled HTTP/1.1 connections to one origin. Make it inside a running loop."""

    def __init__(self, config: Upstream, url: str = "") -> None:
        self._origin = url or config.url
        self.address = address(self._origin)
        self._timeouts = timeouts_by_route(config)
        self._url = lru_cache(maxsize=512)(self._build_url)
        self._bounded = config.max_connections > 0
        self._connector = _Connector(
            config.connection_max_age,
            limit=config.max_connections,
            keepalive_timeout=config.keepalive_timeout,
            ttl_dns_cache=_DNS_CACHE,
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=_NO_AUTO_HEADERS,
        )

    @property
    def outstanding(self) -> int:
        """Requests under way."""
        return self._connector.busy

    async def send(
        self,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        body: Body,
        prefer: str = "",  # noqa: ARG002 - there is only one
    ) -> AiohttpResponse:
        """Send a request and return when the head of its answer is here."""
        timeouts = self._timeouts(target)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeouts.total if timeouts.total else None
        data: bytes | _Upload | None = body.take() or None
        upload = None
        if data is None and body.length != 0:
            data = upload = _Upload(body, timeouts.first_byte)
        if body.length:
            headers[aiohttp.hdrs.CONTENT_LENGTH] = str(body.length)
        try:
            async with asyncio.timeout_at(deadline), asyncio.timeout(None) as first_byte:
                if upload is None:
                    # connecting has a limit of its own, which must not shorten this one
                    _allow(first_byte, timeouts.first_byte, more=timeouts.connect)
                else:
                    upload.clock = first_byte
                response = await self._session.request(
                    method,
                    self._url(target),
                    headers=headers,
                    data=data,
                    allow_redirects=False,
                    timeout=_connect_timeout(timeouts.connect, self._bounded),
                )
        except TimeoutError as error:  # ours, and aiohttp's when connecting
            late = UpstreamTimeoutError()
            late.unsent = isinstance(error, aiohttp.ConnectionTimeoutError)
            raise late from None
        except aiohttp.ClientConnectorError as error:
            raise UpstreamUnreachableError from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if upload is not None and upload.error is not None:
                raise upload.error from None
            raise UpstreamBrokenError from error
        try:
            if upload is not None:
                upload.answered(response.content)
            if 200 <= response.status <= 599:  # 101 answers an Upgrade, which is never sent
                check_codings(response.headers, response.version)
                return AiohttpResponse(response, self.address, timeouts.between_bytes, deadline)
        except ValueError:  # a header or a coding, as broken as a status without meaning
            pass
        response.close()
        raise UpstreamBrokenError

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()

    def _build_url(self, target: str) -> URL:
        # encoded=True: yarl must not normalise what the path gate decided on
        return URL(f"{self._origin}{target}", encoded=True)


class _Connection(ResponseHandler):
    """aiohttp's connection, which leaves the reader of a body waiting when that body stops being HTTP.

    It is not used for another request once it is `max_age` seconds old, 0 for any age.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_age: float) -> None:
        super().__init__(loop=loop)
        self._old_at = loop.time() + max_age if max_age else None

    @property
    def should_close(self) -> bool:
        """Whether it is of no further use."""
        return super().should_close or (self._old_at is not None and self._loop.time() >= self._old_at)

    def data_received(self, data: bytes) -> None:
        """Parse `data`; a broken body ends with an error for who reads it."""
        before = self.exception()
        super().data_received(data)
        if self.exception() is not before and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError("malformed body"))


class _Connector(aiohttp.TCPConnector):
    """aiohttp's pool, making connections of ours."""

    def __init__(self, max_age: float, **options: Any) -> None:
        super().__init__(**options)
        made = partial(_Connection, loop=self._loop, max_age=max_age)
        self._factory = made  # type: ignore[assignment]  # what aiohttp calls makes a ResponseHandler

    @property
    def busy(self) -> int:
        """Requests that have a connection or wait for one."""
        return len(self._acquired) + sum(map(len, self._waiters.values()))


@lru_cache(maxsize=64)
def _connect_timeout(seconds: float, bounded: bool) -> aiohttp.ClientTimeout:
    """Limit connecting, name resolution included; with a bounded pool not the wait for a free connection."""
    if bounded:
        return aiohttp.ClientTimeout(total=None, sock_connect=seconds or None)
    return aiohttp.ClientTimeout(total=None, connect=seconds or None)


def _allow(clock: asyncio.Timeout, seconds: float, *, more: float = 0) -> None:
    """Let `clock` run out in `seconds` and `more`; 0 seconds mean never."""
    clock.reschedule(asyncio.get_running_loop().time() + seconds + more if seconds else None)


class _Upload:
    """A client's body on its way up: the clock runs while the upstream has to act, not while the client does."""

    def __init__(self, body: Body, first_byte: float) -> None:
        self._body = body
        self._first_byte = first_byte
        self.clock: asyncio.Timeout | None = None
        self.error: Exception | None = None
        """What reading the client's body raised."""
        self._answer: aiohttp.StreamReader | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._body)
        while True:
            self._run_clock(False)
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                break
            except Exception as error:
                self.error = error
                self._tell()
                raise
            self._run_clock(True)
            yield piece
        self._run_clock(True)

    def answered(self, answer: aiohttp.StreamReader) -> None:
        """Know who is to be told of an error: the reader of the answer, since that has begun."""
        self._answer = answer
        self._tell()

    def _tell(self) -> None:
        if self.error is not None and self._answer is not None and not self._answer.is_eof():
            self._answer.set_exception(self.error)

    def _run_clock(self, running: bool) -> None:
        # the upstream may answer before it has read everything: then the clock is finished
        if self.clock is not None and self._first_byte and not self.clock.expired():
            try:
                _allow(self.clock, self._first_byte if running else 0)
            except RuntimeError:
                self.clock = None


class AiohttpResponse:
    """An answer of the upstream; see UpstreamResponse."""

    __slots__ = ("_between_bytes", "_deadline", "_on_end", "_response", "headers", "status", "upstream")

    def __init__(
        self, response: aiohttp.ClientResponse, upstream: str, between_bytes: float, deadline: float | None
    ) -> None:
        self._response = response
        self.upstream = upstream
        self._between_bytes = between_bytes
        self._deadline = deadline
        self._on_end: Callable[[bool], None] | None = None
        self.status = response.status
        self.headers = end_to_end(response.headers)

    def take(self) -> bytes | None:
        """Return the whole body if it is here."""
        content = self._response.content
        if content.is_eof() and content.exception() is None:
            return content.read_nowait() or None
        return None

    def watch(self, on_end: Callable[[bool], None]) -> None:
        """Call `on_end` when the body is over."""
        content = self._response.content
        if content.is_eof() and content.exception() is None:
            on_end(True)
        else:
            self._on_end = on_end

    def _over(self, *, whole: bool) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(whole)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            while not content.at_eof():
                async with self._patience():
                    piece = await content.readany()
                if piece:
                    yield piece
        except TimeoutError:
            raise UpstreamTimeoutError from None
        except (aiohttp.ClientError, OSError) as error:
            self._over(whole=False)
            raise UpstreamBrokenError from error
        self._over(whole=True)

    async def aclose(self) -> None:
        """Give the connection back if the body was read, else close it."""
        self._response.close()

    def _patience(self) -> asyncio.Timeout:
        until = asyncio.get_running_loop().time() + self._between_bytes if self._between_bytes else None
        if self._deadline is not None:
            until = min(until, self._deadline) if until is not None else self._deadline
        return asyncio.timeout_at(until)
