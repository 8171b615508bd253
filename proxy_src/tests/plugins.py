"""Middlewares from outside the package, as an operator would add them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multidict import CIMultiDict

from hx_gateway.errors import NotFoundError
from hx_gateway.message import Response

if TYPE_CHECKING:
    from hx_gateway.message import Request
    from hx_gateway.middleware import Handler, Services


class Mark:
    """Appends its letter to a header, on the way in and on the way out."""

    def __init__(self, letter: str) -> None:
        self._letter = letter

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        request.headers["X-In"] = request.headers.get("X-In", "") + self._letter
        response = await call_next(request)
        response.headers["X-Out"] = response.headers.get("X-Out", "") + self._letter
        return response


def a(_: Services) -> Mark:
    return Mark("a")


def b(_: Services) -> Mark:
    return Mark("b")


class Broken:
    """Fails in a way nobody foresaw."""

    def __init__(self, _: Services) -> None: ...

    async def __call__(self, request: Request, call_next: Handler) -> Response:  # noqa: ARG002 - the interface
        raise RuntimeError("secret detail")


class Instead:
    """Throws the upstream's answer away."""

    def __init__(self, _: Services) -> None: ...

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        await response.aclose()
        return Response(203, CIMultiDict(), b"instead")


not_callable = 1


class _Cached:
    """Answers as a cache would say it did."""

    said = ""

    def __init__(self, _: Services) -> None: ...

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        request.outcome.cache = self.said
        return await call_next(request)


class CachedHit(_Cached):
    said = "hit"


class CachedStale(_Cached):
    said = "stale"


class CachedMiss(_Cached):
    said = "miss"


def fails(_: Services) -> Mark:
    """A factory that cannot do its work."""
    raise OSError("no")


def keeps(services: Services) -> Mark:
    """A factory that cannot do its work, nor let go of what it had."""

    def release() -> None:
        raise KeyError("no")

    services.lifespan.callback(release)
    raise OSError("no")


class Refusing:
    """Refuses whom a header names; it can begin early, though it has nothing to begin."""

    def __init__(self, _: Services) -> None: ...

    def prefetch(self, request: Request) -> bool:  # noqa: ARG002 - the interface
        return True

    def abandon(self, begun: object) -> None: ...

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if "X-Refuse" in request.headers:
            raise NotFoundError
        return await call_next(request)
