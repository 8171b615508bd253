"""Whether what exports traces is installed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hx_gateway.config import ConfigError

if TYPE_CHECKING:
    from hx_gateway.config.tracing import TracingSection


def load_sender(config: TracingSection) -> Any:
    """Return `SpanSender`; None where `tracing.enabled` is false, and OpenTelemetry is then not imported.

    Raises ConfigError if the extra is not installed.
    """
    if not config.enabled:
        return None
    try:
        return import_module("hx_gateway.tracing.sender").SpanSender
    except ImportError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        reason = "tracing.enabled: the extra `otlp` is not installed (pip install 'hx-gateway[otlp]')"
        raise ConfigError(reason) from None
