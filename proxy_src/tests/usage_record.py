"""Usage records as tests need them."""

from __future__ import annotations

import time
from typing import Any

from hx_gateway.usage.queue import UsageRecord


def record(number: int = 0, **changes: Any) -> UsageRecord:
    """Return a record whose request id ends with `number`."""
    made = UsageRecord(
        ended_at=time.time(),
        duration=0.5,
        request_id=f"req-{number}",
        call_id=f"call-{number}",
        trace_id="",
        key="",
        method="POST",
        target="/v1/chat/completions",
        model="m",
        status=200,
        ended="complete",
        usage=None,
        cost=None,
        first_token_after=None,
        cache="",
        limit="",
        upstream="",
    )
    return made._replace(**changes)
