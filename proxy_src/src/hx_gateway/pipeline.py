"""Which middlewares run, and in which order."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, cast

from hx_gateway.config import ConfigError
from hx_gateway.config.middlewares import MIDDLEWARES
from hx_gateway.forwarder import Forwarder
from hx_gateway.log import event, redact
from hx_gateway.metrics.requests import RequestMetrics
from hx_gateway.middleware import compose
from hx_gateway.middlewares.access_log import AccessLog
from hx_gateway.middlewares.api_document import ApiDocument
from hx_gateway.middlewares.cache import make_cache
from hx_gateway.middlewares.client_limits import make_client_limits
from hx_gateway.middlewares.credentials import Credentials
from hx_gateway.middlewares.embeddings import EmbeddingsTranslation
from hx_gateway.middlewares.errors import ErrorShape
from hx_gateway.middlewares.forwarded import Forwarded
from hx_gateway.middlewares.health import Health
from hx_gateway.middlewares.json_body import JsonBody
from hx_gateway.middlewares.metrics import Metrics
from hx_gateway.middlewares.path_gate import PathGate
from hx_gateway.middlewares.prefetch import Prefetch
from hx_gateway.middlewares.rate_limits import RateLimits
from hx_gateway.middlewares.request_id import RequestId
from hx_gateway.middlewares.sessions import make_sessions
from hx_gateway.middlewares.token_usage import TokenUsage
from hx_gateway.middlewares.trace_context import TraceContext
from hx_gateway.middlewares.tracing import make_tracing
from hx_gateway.middlewares.usage_records import usage_records
from hx_gateway.refusal_log import RefusalLog

if TYPE_CHECKING:
    from hx_gateway.config.middlewares import Middlewares
    from hx_gateway.middleware import Factory, Handler, Middleware, Services

_HINTS = {
    "path_gate": "every path of the upstream can be reached",
    "credentials": "nothing can tell one key from another",
    "json_body": "nothing that looks into bodies has anything to look at, the embeddings translation included",
}
"""What it means to leave one of these out."""


def ordered() -> list[tuple[str, Factory]]:
    """Return the gateway's own middlewares, outermost first."""
    return [
        # first, so that everything after it, errors included, can name the request
        ("request_id", lambda _: RequestId()),
        # before all that names the trace
        ("trace_context", _trace_context),
        # once the trace is known, outside all else: the span covers it
        ("tracing", make_tracing),
        # outside the errors, so that it records the status the client gets
        ("access_log", _access_log),
        # as the access log
        ("metrics", _metrics),
        # as the access log, and after the trace is known
        ("usage_records", usage_records),
        # outside all that may refuse or fail
        ("errors", lambda _: ErrorShape()),
        # before the gate: a probe of a load balancer may send any Host, and nothing here is forwarded
        (
            "health",
            lambda services: Health(services.config.upstream.readiness, services.upstream, services.state),
        ),
        # beside the health answers: nothing of it is forwarded either
        ("api_document", lambda _: ApiDocument()),
        # before anything that reads or changes a request for LiteLLM
        ("path_gate", lambda _: PathGate()),
        # headers first, since it is cheap and bodies may be large
        ("forwarded", lambda services: Forwarded(services.config.forwarded)),
        # before anything else sees a credential
        ("credentials", lambda _: Credentials()),
        # once the client's address is known, before anything is read for it
        ("client_limits", make_client_limits),
        # after all that can refuse by the head alone, before all that looks into a body
        ("json_body", lambda services: JsonBody(services.config.limits.body_read_max)),
        # right before those that ask a store, which it has ask together, and behind all that changes a request
        ("prefetch", lambda _: Prefetch()),
        # outside the cache: a kept answer is a request of its session too
        ("sessions", make_sessions),
        # after the body, which names the model and the tokens; before all that answers, the cache included
        ("rate_limits", RateLimits),
        # outside what counts tokens: an answer that was kept takes none
        ("cache", make_cache),
        # inside what reports and charges tokens
        ("token_usage", lambda _: TokenUsage()),
        # last: the others see the body as the client sent it
        ("embeddings", lambda services: EmbeddingsTranslation(services.config.embeddings)),
    ]


def _trace_context(services: Services) -> TraceContext:
    config = services.config.tracing
    return TraceContext(config.sample if config.enabled else 1)


def _access_log(services: Services) -> AccessLog:
    services.on_refusal.append(RefusalLog(services.log).write)
    return AccessLog(services.log, services.config.log.sample)


def _metrics(services: Services) -> Metrics | None:
    config, state = services.config.metrics, services.state
    if not config.enabled:
        return None
    if state.requests is None:  # else a reload: the section cannot have changed, and counting goes on
        state.requests = RequestMetrics(state.metrics, config)
    services.on_refusal.append(state.requests.refused)
    return Metrics(state.requests)


def build(services: Services) -> Handler:
    """Return the whole pipeline as one handler. Raises ConfigError if a factory cannot be loaded, or fails."""
    config = services.config.middlewares
    made: list[Middleware | None] = []
    for name, factory in ordered():
        made += _added(config, name, services)
        if name in config.replace:
            made.append(_make(config.replace[name], f"middlewares.replace.{name}", services))
        elif name not in config.disable:
            made.append(factory(services))
        elif name in _HINTS:
            event(f"{name}_disabled", logging.WARNING, hint=_HINTS[name])
    made += _added(config, "forwarder", services)
    middlewares = [middleware for middleware in made if middleware is not None]
    for place, middleware in enumerate(middlewares):
        if isinstance(middleware, Prefetch):
            middleware.look_ahead(middlewares[place + 1 :])
    return compose(middlewares, Forwarder(services.upstream))


def check_factories(config: Middlewares) -> None:
    """Raise ConfigError unless every factory named in the configuration can be imported."""
    for name in MIDDLEWARES:
        if name in config.replace:
            _load(config.replace[name], f"middlewares.replace.{name}")
    for index, added in enumerate(config.add):
        _load(added.factory, f"middlewares.add[{index}].factory")


def _added(config: Middlewares, before: str, services: Services) -> list[Middleware | None]:
    return [
        _make(added.factory, f"middlewares.add[{index}].factory", services)
        for index, added in enumerate(config.add)
        if added.before == before
    ]


def _make(path: str, key: str, services: Services) -> Middleware | None:
    factory = _load(path, key)
    try:
        return factory(services)
    except ConfigError:
        raise
    except Exception as error:  # whatever it is: a reload must not end what runs
        raise ConfigError(f"{key}: {path} failed: {_said(error)}") from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {redact(str(error))}"


def _load(path: str, key: str) -> Factory:
    module, _, name = path.partition(":")
    try:
        factory = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise ConfigError(f"{key}: {path} cannot be imported") from None
    except (Exception, SystemExit) as error:  # as in _make
        raise ConfigError(f"{key}: {path} cannot be imported: {_said(error)}") from error
    if not callable(factory):
        raise ConfigError(f"{key}: {path} is not callable")
    return cast("Factory", factory)
