"""What the gateway decided to forward, noted at the end of its pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hx_gateway.forwarder import SET_BY_CLIENT
from hx_gateway.headers import end_to_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hx_gateway.message import Body, Request, Response
    from hx_gateway.middleware import Handler, Services

CASE = "x-case"


@dataclass
class Decided:
    """One request as the gateway understood it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    whole: bool = False
    """All of the body was read from the client."""


@dataclass
class Recorder:
    """Numbers the requests and keeps what each was taken for."""

    decided: list[Decided] = field(default_factory=list)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        request.headers[CASE] = str(len(self.decided))
        headers = end_to_end(request.headers, drop=SET_BY_CLIENT)
        decided = Decided(request.method, request.target, list(headers.items()))
        self.decided.append(decided)
        data = request.body.take()
        if data is None:
            request.body = _Copied(request.body, decided)
        else:
            decided.body, decided.whole = data, True
            request.body = _Given(data)
        return await call_next(request)


class _Given:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length: int | None = len(data)

    def take(self) -> bytes | None:
        return self._data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data


class _Copied:
    def __init__(self, body: Body, decided: Decided) -> None:
        self._body = body
        self._decided = decided
        self.length = body.length

    def take(self) -> bytes | None:
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            self._decided.body += piece
            yield piece
        self._decided.whole = True


RECORDER = Recorder()


def factory(_: Services) -> Recorder:
    """Return the recorder of the running test."""
    return RECORDER
