"""What is counted of requests."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from prometheus_client import Gauge

from hx_gateway.metrics.labels import METHODS, OPERATIONS, STATUS_CLASSES, Models, route_of
from hx_gateway.metrics.series import OTHER, Counters, Histograms, Labels

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

    from hx_gateway.config.metrics import MetricsSection
    from hx_gateway.message import Request
    from hx_gateway.outcome import Outcome
    from hx_gateway.refusal import Refusal

# The boundaries that OpenTelemetry's semantic conventions for generative AI metrics give for each.
_DURATION: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_TOKEN: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
_TOKENS: Final = tuple(4**power for power in range(14))

_GEN_AI: Final = ("gen_ai_operation_name", "gen_ai_request_model")


_KINDS: Final = 2000
_LONGEST_KIND: Final = 256
"""Kinds of requests whose labels are remembered, and the characters such a kind may have."""

_Kind: TypeAlias = tuple[str, str, str, int, str, str]
"""Method, target, model, status, what the cache said, how it ended."""


class _Labels(NamedTuple):
    """The labels of every series that a request of one kind counts in; without `duration` it is for no model."""

    model: str
    request: Labels
    duration: Labels = ()
    gen_ai: Labels = ()
    input: Labels = ()
    output: Labels = ()


class RequestMetrics:
    """Metrics of requests; names after OpenTelemetry's conventions (gen_ai.*, http.server.*) where they exist."""

    def __init__(self, registry: CollectorRegistry, config: MetricsSection) -> None:
        self._models = Models(config.models, config.models_learned_max)
        self._labels: dict[_Kind, _Labels] = {}
        self.in_flight = 0
        """Requests that have begun and not ended."""
        self.streams = 0
        """Answers in Server-Sent Events that are being sent."""
        for name, text, attribute in (
            ("http_server_active_requests", "Requests in flight", "in_flight"),
            ("hx_gateway_streams_open", "Answers in Server-Sent Events that are being sent", "streams"),
        ):
            Gauge(name, text, registry=registry).set_function(partial(getattr, self, attribute))
        labels = ("method", "route", "model", "status", "cache", "ended")
        self._requests = Counters(registry, "hx_gateway_requests", "Requests that have ended", labels)
        self._refused = Counters(
            registry, "hx_gateway_limit_refusals", "Requests that a limit refused", ("limit",), most=100
        )
        self._refusals = Counters(
            registry,
            "hx_gateway_refusals",
            "Requests and connections refused before the pipeline",
            ("reason",),
            most=100,
        )
        self._tokens = Counters(
            registry, "hx_gateway_tokens", "Tokens that LiteLLM spent", ("kind", "model", "estimated")
        )
        self._cost = Counters(registry, "hx_gateway_cost_usd", "Cost as LiteLLM states it, in US dollars", ("model",))
        self._duration = Histograms(
            registry,
            "gen_ai_server_request_duration_seconds",
            "Time to the last byte of an answer to a request for a model",
            (*_GEN_AI, "error_type"),
            _DURATION,
        )
        self._first_token = Histograms(
            registry,
            "gen_ai_server_time_to_first_token_seconds",
            "Time to the first event of an answer in Server-Sent Events",
            _GEN_AI,
            _FIRST_TOKEN,
        )
        self._usage = Histograms(
            registry,
            "gen_ai_client_token_usage",
            "Tokens of a request",
            (*_GEN_AI, "gen_ai_token_type"),
            _TOKENS,
        )

    def ended(self, request: Request, outcome: Outcome) -> None:
        """Count `request`, which has ended. Takes about 2 microseconds."""
        kind = (request.method, request.target, request.model, outcome.status, outcome.cache, outcome.ended)
        labels = self._labels.get(kind) or self._labels_of(kind)
        self._requests.add(labels.request)
        if outcome.limit:
            self._refused.add((outcome.limit,))
        if not labels.duration:
            return
        self._duration.observe(labels.duration, time.monotonic() - request.started)
        first_token = request.first_token_after
        if first_token is not None:
            self._first_token.observe(labels.gen_ai, first_token)
        usage = outcome.usage
        if usage is not None:
            estimated = "true" if usage.estimated else "false"
            self._tokens.add(("input", labels.model, estimated), usage.prompt)
            self._tokens.add(("output", labels.model, estimated), usage.completion)
            self._usage.observe(labels.input, usage.prompt)
            self._usage.observe(labels.output, usage.completion)
        if outcome.cost is not None:
            self._cost.add((labels.model,), outcome.cost)

    def refused(self, refusal: Refusal) -> None:
        """Count what was refused before it was a request."""
        self._refusals.add((refusal.reason,))

    def _labels_of(self, kind: _Kind) -> _Labels:
        method, target, name, status, cache, ended = kind
        route = route_of(target)
        model = self._models.label(name, served=200 <= status < 300)
        method = METHODS.get(method, OTHER)
        request = (method, route, model, STATUS_CLASSES[status // 100], cache, ended)
        operation = OPERATIONS.get(route)
        if operation is None or method != "POST":
            labels = _Labels(model, request)
        else:
            gen_ai = (operation, model)
            duration = (*gen_ai, _error_type(status, ended))
            labels = _Labels(model, request, duration, gen_ai, (*gen_ai, "input"), (*gen_ai, "output"))
        # a model that is not known yet may become so; long ones are a client's text of any length
        if (model != OTHER or name == OTHER) and len(target) + len(name) <= _LONGEST_KIND:
            if len(self._labels) >= _KINDS:
                self._labels.clear()
            self._labels[kind] = labels
        return labels


def _error_type(status: int, ended: str) -> str:
    """Return error.type: the status of a failure, how an answer was cut short, or nothing."""
    if status >= 400:
        return str(status)
    return "" if ended == "complete" else ended
