"""The request and the response that travel through the pipeline.

They know nothing about the server or the upstream client: both ends can be replaced without touching a
middleware.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeGuard

import orjson

from hx_gateway.errors import BodyTooLargeError
from hx_gateway.outcome import Outcome
from hx_gateway.target import decoded_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from multidict import CIMultiDict


LONGEST_MODEL: Final = 256
"""Characters of a model's name by which requests are told apart: it is a client's text of any length."""


class Body(Protocol):
    """Bytes a client sends, read once, in the pieces in which they arrive."""

    @property
    def length(self) -> int | None:
        """Bytes in the whole body; None when only its end will tell (chunked)."""

    def take(self) -> bytes | None:
        """Return the whole body if all of it has arrived and nothing of it was read; else None, nothing is read."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Stream(Protocol):
    """Bytes sent to a client, piece by piece. `aclose` is always called, read to the end or not."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """Let go of what feeds the stream."""


class Sink(Protocol):
    """Takes a body as it arrives. Neither method does I/O that waits, or raises."""

    def feed(self, piece: bytes) -> None:
        """Take `piece`."""

    def end(self, error: Exception | None) -> None:
        """Know that nothing follows; `error` says why the body broke off. Called once."""


class Pouring(Stream, Protocol):
    """A stream that can push its pieces instead of being asked for each, which saves a task a wake-up for each."""

    def pour(self, sink: Sink) -> None:
        """Hand all that comes to `sink` from here on, instead of being iterated."""

    def pause(self) -> None:
        """Hand over nothing more for the moment, as far as that is possible: the sink is full."""

    def resume(self) -> None:
        """Go on."""


def is_pouring(stream: Stream) -> TypeGuard[Pouring]:
    """Say whether `stream` can push; looking for the one method is a hundredth of what `isinstance` does."""
    return hasattr(stream, "pour")


class BytesBody:
    """A body already in memory."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def length(self) -> int:
        """Bytes in the whole body."""
        return len(self._data)

    def take(self) -> bytes:
        """Return the whole body."""
        return self._data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._data:
            yield self._data


NO_BODY: Final = BytesBody(b"")


async def read_all(body: Body, limit: int) -> bytes:
    """Return the whole body; raise BodyTooLargeError as soon as it is known to exceed `limit` bytes."""
    if body.length is not None and body.length > limit:
        raise BodyTooLargeError
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > limit:
            raise BodyTooLargeError
        pieces.append(piece)
    return b"".join(pieces)


class Abandons(Protocol):
    """Began something for a request, before its turn came."""

    def abandon(self, begun: Any) -> None:
        """Let go of `begun`: its turn will not come."""


class Request:
    """One request of a client. Middlewares may change `target`, `headers` and `body` on the way in."""

    __slots__ = (
        "_document",
        "_named",
        "_on_finish",
        "ahead",
        "body",
        "client",
        "has_more_credentials",
        "headers",
        "id",
        "key",
        "method",
        "model",
        "needs_python",
        "outcome",
        "parent_span_id",
        "prefer",
        "started",
        "streams",
        "target",
        "trace_id",
        "version",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        body: Body,
        client: str = "",
        version: tuple[int, int] = (1, 1),
    ) -> None:
        self.method = method
        self.target = target
        """Request target as it was received, query included, nothing decoded (RFC 9112 section 3.2)."""
        self.headers = headers
        self.body = body
        self.client = client
        """Address of the peer."""
        self.version = version
        self.id = ""
        """Request id; empty until a middleware gives it one."""
        self.trace_id = ""
        """Trace that the request belongs to, 32 hexadecimal digits; empty until a middleware knows it."""
        self.parent_span_id = ""
        """Span of the client in that trace, 16 hexadecimal digits; empty where the trace began here."""
        self.key = ""
        """SHA-256 of the whole credential in hexadecimal, as LiteLLM's tables name keys; empty without one."""
        self.has_more_credentials = False
        """Whether there are others besides, of which LiteLLM or a provider may make something."""
        self._document: dict[str, Any] | None = None
        self._named = ""
        self.needs_python = False
        """Whether only Python's json reads and writes the document: orjson would make null of NaN."""
        self.streams = False
        """Whether the body asks for an answer in Server-Sent Events."""
        self.model = ""
        """Name of the model LiteLLM is asked for; empty where there is none, or the body was not read. One longer than
        LONGEST_MODEL is cut, and three dots longer."""
        self.prefer = ""
        """Address of the server that should get the request, `HOST:PORT`; empty where any will do."""
        self.ahead: dict[Abandons, Any] = {}
        """What middlewares have begun before their turn, see middleware.Prefetching."""
        self.outcome = Outcome()
        self.started = time.monotonic()
        self._on_finish: list[Callable[[Outcome], None]] = []

    @property
    def path(self) -> str:
        """Path of the target without its query, percent-decoded once, as LiteLLM's router reads it."""
        return decoded_path(self.target)

    @property
    def document(self) -> dict[str, Any] | None:
        """The JSON object in the body, once a middleware has read it; none while a stream answers it.

        Change it with `replace_document`.
        """
        return self._document

    @document.setter
    def document(self, document: dict[str, Any] | None) -> None:
        self._document = document
        model = self._named or (document.get("model") if document is not None else None)
        self.model = _cut(model) if isinstance(model, str) else ""
        self.streams = document is not None and document.get("stream") is True

    @property
    def first_token_after(self) -> float | None:
        """Seconds to the first piece of an answer in Server-Sent Events; None for other answers."""
        return self.outcome.first_piece_after if self.streams and self.outcome.status < 300 else None

    def replace_document(self, document: dict[str, Any]) -> None:
        """Send `document` as the body."""
        self.document = document
        data = json.dumps(document, ensure_ascii=False).encode() if self.needs_python else orjson.dumps(document)
        self.body = BytesBody(data)

    def name_model(self, model: str) -> None:
        """Know that LiteLLM takes `model`, whatever the body says."""
        self._named = self.model = _cut(model)

    def let_body_go(self) -> None:
        """Forget the body: its answer has begun, and a long prompt would be kept for as long as that lasts."""
        self.body = NO_BODY
        self._document = None

    def on_finish(self, callback: Callable[[Outcome], None]) -> None:
        """Call `callback` with the outcome, once, after the last byte was sent or the connection broke."""
        self._on_finish.append(callback)

    def finish(self) -> None:
        """Tell everyone who asked how the request ended."""
        # they refer to the request: emptied, so that it is freed at once instead of by the next garbage collection
        if self.ahead:
            for middleware, begun in self.ahead.items():
                middleware.abandon(begun)
            self.ahead.clear()
        callbacks, self._on_finish = self._on_finish, []
        for callback in callbacks:
            callback(self.outcome)


def _cut(model: str) -> str:
    return model if len(model) <= LONGEST_MODEL else f"{model[:LONGEST_MODEL]}..."


class Response:
    """One response. `headers` are end-to-end only; the server adds framing and connection headers."""

    __slots__ = ("body", "close", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: CIMultiDict[str],
        body: bytes | Stream = b"",
        *,
        close: bool = False,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.close = close
        """Close the client's connection after this response."""

    async def aclose(self) -> None:
        """Let go of a body that will not be sent."""
        if not isinstance(self.body, bytes):
            await self.body.aclose()
