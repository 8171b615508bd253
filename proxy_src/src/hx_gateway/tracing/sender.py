"""Makes spans of what has ended and sends them to the collector, from a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult

from hx_gateway import __version__
from hx_gateway.log import event, redact
from hx_gateway.tracing.spans import span_of

if TYPE_CHECKING:
    from hx_gateway.config.tracing import TracingSection
    from hx_gateway.tracing.ended import Ended, SpanQueue

_EXPORTER = logging.getLogger(OTLPSpanExporter.__module__)
_TURN = 0.0005
"""Seconds a thread may compute while another waits; Python's default is ten times that."""

_LAST_WORDS = 2.0
"""Seconds that sending may take at the end."""

_LONGEST = 300
"""Characters of a reason that are worth a line of the log."""


class SpanSender:
    """Every `interval` seconds sends what waits in `queue`, `batch_max` at a time, over OTLP/HTTP.

    A batch that the collector does not take in `timeout` seconds is lost and counted; that is said once, until it
    takes one again. OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_CERTIFICATE are read from the environment.
    """

    def __init__(self, queue: SpanQueue, config: TracingSection) -> None:
        self._queue = queue
        self._config = config
        self._resource = Resource.create(
            {
                "service.name": config.service_name,
                "service.version": __version__,
                "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            }
        )
        # encoding a batch takes milliseconds: the thread of the requests need not wait so long for its turn
        sys.setswitchinterval(min(sys.getswitchinterval(), _TURN))
        self._exporter = OTLPSpanExporter(config.endpoint, timeout=config.timeout)
        self._reason = _Reason()
        self._stop = threading.Event()
        self._said = False
        """The log has been told that the collector does not take spans."""
        self.exported = 0
        """Spans the collector has taken."""
        self.failed = 0
        """Spans it has not."""
        _EXPORTER.propagate = False  # what it would say of every batch is said once here
        _EXPORTER.addHandler(self._reason)
        self._thread = threading.Thread(target=self._run, name="tracing", daemon=True)
        self._thread.start()

    async def aclose(self) -> None:
        """Send what is left, for a moment at most."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, _LAST_WORDS)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it says nothing of its types
        if lost := len(self._queue):
            event("spans_lost", logging.WARNING, spans=lost)
        _EXPORTER.removeHandler(self._reason)

    def _run(self) -> None:
        while not self._stop.wait(self._config.interval):
            self._send()
        if not self._said:
            self._send()

    def _send(self) -> None:
        while requests := self._queue.take(self._config.batch_max):
            if self._export(requests):
                self.exported += len(requests)
                self._back()
            else:
                self.failed += len(requests)
                self._away()
                if self._stop.is_set():  # no time for what is left
                    return

    def _export(self, requests: list[Ended]) -> bool:
        self._reason.first = ""
        try:
            spans = [span_of(request, self._resource) for request in requests]
            return self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception:  # whatever it is, the thread goes on
            event("span_export_failed", logging.ERROR, exc_info=True)
            return False

    def _away(self) -> None:
        if not self._said:
            self._said = True
            event("trace_collector_away", logging.WARNING, reason=redact(self._reason.first[:_LONGEST]))

    def _back(self) -> None:
        if self._said:
            self._said = False
            event("trace_collector_back", failed=self.failed, dropped=self._queue.dropped)


class _Reason(logging.Handler):
    """Remembers what the exporter said first of a batch, which is the cause; it tells callers only that it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or record.getMessage()
