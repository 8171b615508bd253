"""Traces sent to a collector."""

from __future__ import annotations

from pydantic import Field, field_validator
from yarl import URL

from hx_gateway.config.base import Section


class TracingSection(Section):
    """A span for each sampled request, exported over OTLP/HTTP; headers come from OTEL_EXPORTER_OTLP_HEADERS."""

    enabled: bool = False
    """Needs the extra `otlp`: the OpenTelemetry SDK is not installed otherwise."""
    endpoint: str = "http://127.0.0.1:4318/v1/traces"
    """The collector's whole address for traces."""
    sample: float = Field(default=1, ge=0, le=1)
    """Share of the traces begun here that is recorded; a client's own trace is recorded if its client says so."""
    service_name: str = Field(default="hx-gateway", min_length=1, max_length=255)
    timeout: float = Field(default=5, gt=0, le=60)
    """Seconds the collector may take for a batch, repetitions included; what it has not taken then is lost."""
    queue_max: int = Field(default=10_000, ge=1, le=1_000_000)
    """Spans that may wait, about half a kilobyte each. The oldest are dropped, and counted."""
    batch_max: int = Field(default=256, ge=1, le=10_000)
    """Spans sent at once."""
    interval: float = Field(default=1, gt=0, le=60)
    """Seconds between two rounds of sending."""

    @field_validator("endpoint")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            url = URL(value)
            port = url.port
        except ValueError:
            raise ValueError("is not a URL") from None
        if url.scheme not in {"http", "https"} or not url.host or not port:
            raise ValueError("must be http://HOST:PORT/PATH or https://HOST:PORT/PATH")
        if url.user is not None or url.password is not None or url.query_string or url.fragment:
            raise ValueError("must not hold credentials, a query or a fragment")
        return value
