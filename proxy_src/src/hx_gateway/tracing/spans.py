"""A request as a span, named and described after OpenTelemetry's semantic conventions (HTTP server, generative AI)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from hx_gateway import __version__
from hx_gateway.log import redact
from hx_gateway.metrics.labels import METHODS, OPERATIONS, route_of
from hx_gateway.metrics.series import OTHER

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from hx_gateway.tracing.ended import Ended

_LONGEST = 256
"""Characters of a client's text that are worth keeping."""

_SCOPE: Final = InstrumentationScope("hx_gateway", __version__)
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_FAILED: Final = Status(StatusCode.ERROR)
_UNSET: Final = Status(StatusCode.UNSET)

_CUT_SHORT = ("upstream_broken", "cut")
"""How an answer ends when that is no fault of its client."""

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


def span_of(request: Ended, resource: Resource) -> ReadableSpan:
    """Return the SERVER span of a request: no body, no header but Host, no key.

    An error is what the gateway or what is behind it failed in (5xx, an answer cut short); a client's own mistake
    leaves the status unset, as the conventions for HTTP servers say.
    """
    trace_id = int(request.trace_id, 16)
    route = route_of(request.target)
    method = METHODS.get(request.method, "_OTHER")
    failure = _error_type(request.status, request.ended)
    parent = None
    if request.parent_id:
        parent = SpanContext(trace_id, int(request.parent_id, 16), is_remote=True, trace_flags=_SAMPLED)
    verb = "HTTP" if method == "_OTHER" else method
    return ReadableSpan(
        verb if route == OTHER else f"{verb} {route}",
        SpanContext(trace_id, int(request.span_id, 16), is_remote=False, trace_flags=_SAMPLED),
        parent,
        resource,
        _attributes(request, method, route, failure),
        kind=SpanKind.SERVER,
        status=_FAILED if request.status >= 500 or request.ended in _CUT_SHORT else _UNSET,
        start_time=request.ended_at - int(request.duration * 1e9),
        end_time=request.ended_at,
        instrumentation_scope=_SCOPE,
    )


def _attributes(request: Ended, method: str, route: str, failure: str) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "url.path": _shown(request.target.partition("?")[0]),
        "url.scheme": "http",
        "network.protocol.version": f"{request.version[0]}.{request.version[1]}",
        "hx.request_id": _shown(request.request_id),
    }
    if request.status:
        attributes["http.response.status_code"] = request.status
    if route != OTHER:
        attributes["http.route"] = route
    host = _AUTHORITY.fullmatch(request.host)
    if host is not None:
        attributes["server.address"] = host[1]
        if host[2] is not None:
            attributes["server.port"] = int(host[2])
    operation = OPERATIONS.get(route) if method == "POST" else None
    if operation is not None:
        attributes["gen_ai.operation.name"] = operation
    if request.usage is not None:
        attributes["gen_ai.usage.input_tokens"] = request.usage.prompt
        attributes["gen_ai.usage.output_tokens"] = request.usage.completion
    texts = (
        ("client.address", request.client),
        ("gen_ai.request.model", _shown(request.model)),
        ("error.type", failure),
        ("hx.cache", request.cache),
        ("hx.limit", request.limit),
        ("hx.upstream", request.upstream),
    )
    attributes.update({name: value for name, value in texts if value})
    return attributes


def _error_type(status: int, ended: str) -> str:
    """Return error.type: the status of a failure, how an answer was cut short, or nothing."""
    if status >= 400 and status != 499:
        return str(status)
    return "" if ended == "complete" else ended


@lru_cache(maxsize=1024)
def _shown(text: str) -> str:
    """Return `text` short, without keys, and as protobuf takes it: what is not Unicode replaced."""
    return redact(text[:_LONGEST]).encode("utf-8", "replace").decode()
