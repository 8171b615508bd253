"""A collector of traces that speaks OTLP over HTTP, read with OpenTelemetry's own protobuf classes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from wire import Upstream, reply, say, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from wire import Play


@dataclass
class Collector:
    """What was exported."""

    server: Upstream

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the section `tracing` that exports to it."""
        return section(f"{self.server.url}/v1/traces", **more)

    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(seen.body) for seen in self.server.seen]

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    async def wait_for(self, count: int) -> list[Span]:
        """Wait until `count` spans have come; return all."""
        async with asyncio.timeout(10):
            while len(spans := self.spans()) < count:  # noqa: ASYNC110 - nothing tells when the thread has sent
                await asyncio.sleep(0.01)
        return spans


def section(endpoint: str, **more: Any) -> dict[str, Any]:
    return {"enabled": True, "endpoint": endpoint, "interval": 0.02, "timeout": 1, **more}


@asynccontextmanager
async def collector(play: Play | None = None) -> AsyncIterator[Collector]:
    """Run a collector on a free port."""
    async with upstream(play or say(reply(200))) as server:
        yield Collector(server)


def attributes(of: Any) -> dict[str, Any]:
    """Return the attributes of a span or a resource."""
    return {attribute.key: _value(attribute.value) for attribute in of.attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind is not None else None
