"""The one interface every middleware has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import ismethod
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard

from prometheus_client.registry import CollectorRegistry

from hx_gateway.admin.routes import AdminRoutes
from hx_gateway.message import Request, Response

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from hx_gateway.config import Config
    from hx_gateway.log import LogSink
    from hx_gateway.metrics.requests import RequestMetrics
    from hx_gateway.refusal import OnRefusal
    from hx_gateway.stores.limits_supervisor import SupervisorLimits
    from hx_gateway.stores.redis import Redis
    from hx_gateway.upstream.base import Upstream

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Middleware(Protocol):
    """Looks at a request, may change it or answer it, and may change the answer.

    None knows another: what one leaves for the rest is in the request. A response that is replaced must be
    closed (`Response.aclose`).
    """

    def __call__(self, request: Request, call_next: Handler) -> Awaitable[Response]:
        """Return the response to `request`, from `call_next` or of its own; raise GatewayError to refuse."""


class Prefetching(Middleware, Protocol):
    """A middleware that can begin what it will wait for before its turn, together with others.

    What it begins it keeps in `request.ahead[self]`, and takes it out when its turn comes. That may be never, and a
    turn may come without it. Between the two nothing may change what was begun for: such a middleware leaves method,
    target, key and document of a request as they are.
    """

    def prefetch(self, request: Request) -> bool:
        """Begin, without waiting and without raising; return whether those behind may begin too.

        They may if it is likely that the request passes: to look in vain does no harm, but what counts would count a
        request that is then refused here.
        """

    def abandon(self, begun: Any) -> None:
        """Let go of what `prefetch` kept in a request that has ended before the middleware's turn."""


def is_prefetching(middleware: Middleware) -> TypeGuard[Prefetching]:
    """Say whether `middleware` can begin before its turn."""
    return hasattr(middleware, "prefetch") and hasattr(middleware, "abandon")


class Services:
    """What a middleware may be built from."""

    __slots__ = (
        "admin",
        "config",
        "lifespan",
        "limits",
        "log",
        "metrics",
        "on_refusal",
        "redis",
        "state",
        "upstream",
        "workers",
    )

    def __init__(
        self,
        config: Config,
        upstream: Upstream,
        log: LogSink,
        lifespan: AsyncExitStack,
        state: ServiceState,
        redis: Redis | None = None,
        workers: SupervisorLimits | None = None,
    ) -> None:
        self.config = config
        self.upstream = upstream
        self.log = log
        self.lifespan = lifespan
        """Closed at the end of the process: enter here what has to be released."""
        self.state = state
        self.redis = redis
        """The server that several gateways share; None where the gateway does without."""
        self.workers = workers
        """Limits of all workers of this gateway; None where it has only one."""
        self.limits: Callable[[], str] = lambda: "off"
        """Where this generation counts rate limits, see `ServiceState.limits`."""
        self.admin = AdminRoutes()
        """Add here what an operator may ask on the admin socket."""
        self.on_refusal: list[OnRefusal] = []
        """Add here who is to be told of what the server refuses before it is a request of the pipeline."""
        self.metrics = CollectorRegistry(auto_describe=False)
        """Register here what `/metrics` shall show. A reload makes another; what this one counted stays in the sum."""


class ServiceState:
    """What the process is doing, for those who report it; it outlives a reload."""

    __slots__ = ("draining", "limits", "metrics", "requests")

    def __init__(self) -> None:
        self.metrics = CollectorRegistry(auto_describe=False)
        """What is measured of the process as a whole."""
        self.requests: RequestMetrics | None = None
        """What is counted of requests, once the middleware is made that does so."""
        self.draining = False
        self.limits: Callable[[], str] = lambda: "off"
        """Where rate limits are counted: `redis`, `memory`, `off` or, while requests are refused, `unavailable`.

        It is the answer of the generation in force.
        """


Factory: TypeAlias = Callable[[Services], Middleware | None]
"""Makes a middleware; None where the configuration turns it off."""


def compose(middlewares: Sequence[Middleware], endpoint: Handler) -> Handler:
    """Return one handler that runs `middlewares`, first one outermost, around `endpoint`."""
    handler = endpoint
    for middleware in reversed(middlewares):
        handler = _link(middleware, handler)
    return handler


def _link(middleware: Middleware, call_next: Handler) -> Handler:
    # calling a bound method costs half of calling an instance
    bound = middleware.__call__
    call = bound if ismethod(bound) else middleware

    def handle(request: Request) -> Awaitable[Response]:
        return call(request, call_next)

    return handle
