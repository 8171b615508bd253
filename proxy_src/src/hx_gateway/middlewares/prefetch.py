"""Has those behind it begin their look-ups together, so that a request waits for one round trip instead of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.middleware import is_prefetching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Middleware


class Prefetch:
    """Calls `prefetch` of the middlewares right behind it; without it each begins when its turn comes.

    The first that cannot begin early ends them: it may change what those behind it look at.
    """

    def __init__(self) -> None:
        self._begin: tuple[Callable[[Request], bool], ...] = ()

    def look_ahead(self, behind: Sequence[Middleware]) -> None:
        """Know the middlewares `behind` this one, in their order."""
        begin = []
        for middleware in behind:
            if not is_prefetching(middleware):
                break
            begin.append(middleware.prefetch)
        self._begin = tuple(begin)

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Have them begin, and pass the request on."""
        for begin in self._begin:
            if not begin(request):
                break
        return call_next(request)
