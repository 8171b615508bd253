"""Queues a record of every request under /v1/, for the database."""

from __future__ import annotations

import os
import time
import uuid
from itertools import count
from typing import TYPE_CHECKING

from hx_gateway.target import PREFIX
from hx_gateway.usage.address import DatabaseAddress
from hx_gateway.usage.metrics import UsageMetrics
from hx_gateway.usage.queue import UsageQueue, UsageRecord
from hx_gateway.usage.table import UsageTable
from hx_gateway.usage.writer import UsageWriter

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Services
    from hx_gateway.outcome import Outcome

CALL_ID = "x-litellm-call-id"
"""LiteLLM takes its call's id from this header and keeps it in "LiteLLM_SpendLogs".litellm_call_id.

(1.106, proxy/common_request_processing.py, resolve_litellm_call_id.)
"""

_LONGEST = 256
"""Characters of a target that wait in the queue; those that have a name of their own are shorter."""


class UsageRecords:
    """Gives each request a call id that LiteLLM keeps too, and queues the record when it has ended.

    A client's own call id is replaced: LiteLLM would keep only the first of two calls that share one.
    """

    def __init__(self, queue: UsageQueue) -> None:
        self._queue = queue
        self._prefix = str(uuid.uuid4())[:-12]
        self._number = count(int.from_bytes(os.urandom(5)))

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Ask to be told how the request ends."""
        # a UUID of the process, counted up: unique as LiteLLM's own, at a tenth of the cost
        call_id = f"{self._prefix}{next(self._number):012x}"
        request.headers[CALL_ID] = call_id

        def ended(outcome: Outcome) -> None:
            if not request.target.startswith(PREFIX):
                return
            self._queue.add(
                UsageRecord(
                    time.time(),
                    time.monotonic() - request.started,
                    request.id,
                    call_id,
                    request.trace_id,
                    request.key,
                    request.method,
                    request.target[:_LONGEST],
                    request.model,
                    outcome.status,
                    outcome.ended,
                    outcome.usage,
                    outcome.cost,
                    request.first_token_after,
                    outcome.cache,
                    outcome.limit,
                    outcome.upstream,
                )
            )

        request.on_finish(ended)
        return await call_next(request)


def usage_records(services: Services) -> UsageRecords | None:
    """Return the middleware with its writer started; None where `usage.enabled` is false.

    Raises ConfigError if DATABASE_URL is missing or wrong. A database that is away is no error.
    """
    config = services.config.usage
    if not config.enabled:
        return None
    address = DatabaseAddress(os.environ)
    queue = UsageQueue(config.queue_max, config.batch_max)
    writer = UsageWriter(queue, UsageTable(config.database_schema, config.retention_months), address, config)
    services.lifespan.push_async_callback(writer.aclose)
    services.metrics.register(UsageMetrics(queue, writer))
    return UsageRecords(queue)
