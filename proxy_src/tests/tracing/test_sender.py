"""The thread that sends spans, where something is wrong with one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hx_gateway.config.tracing import TracingSection
from hx_gateway.tracing.ended import SpanQueue
from hx_gateway.tracing.sender import SpanSender
from tracing.test_spans import ENDED

from collector import collector

if TYPE_CHECKING:
    import pytest


async def test_what_makes_no_span_ends_its_batch_and_not_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    async with collector() as spans:
        queue = SpanQueue(10)
        sender = SpanSender(queue, TracingSection.model_validate(spans.settings(batch_max=1)))
        queue.add(ENDED._replace(trace_id="no number"))
        queue.add(ENDED)
        (span,) = await spans.wait_for(1)
        async with asyncio.timeout(5):
            while sender.exported < 1:  # noqa: ASYNC110 - nothing tells when the thread has counted
                await asyncio.sleep(0.01)
        await sender.aclose()
    assert span.trace_id.hex() == ENDED.trace_id
    assert (sender.failed, sender.exported) == (1, 1)
    assert "span_export_failed" in caplog.messages


async def test_batches_are_no_larger_than_configured() -> None:
    async with collector() as spans:
        queue = SpanQueue(100)
        for _ in range(25):
            queue.add(ENDED)
        sender = SpanSender(queue, TracingSection.model_validate(spans.settings(batch_max=10, interval=60)))
        await sender.aclose()
    counts = [len(scope.spans) for asked in spans.requests() for of in asked.resource_spans for scope in of.scope_spans]
    assert counts == [10, 10, 5]
