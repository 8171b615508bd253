"""Makes the gateway a hop of its clients' traces (W3C Trace Context Level 1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hx_gateway.random_ids import random_digits

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler

PARENT = "traceparent"
STATE = "tracestate"

_PARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
"""version "-" trace-id "-" parent-id "-" trace-flags (section 3.2.2); a later version may append fields."""

_MEMBER = re.compile(
    r"""[ \t]*(?:
    ([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})
    =[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]
    )?[ \t]*""",
    re.VERBOSE,
)
"""key "=" value, or nothing (section 3.3.1)."""

_MOST_MEMBERS = 32


class TraceContext:
    """Continues the trace of a client, or starts one; `request.trace_id` names it.

    `sample` is the share of the traces started here that are to be recorded, chosen by the id as OpenTelemetry's
    TraceIdRatioBased does; of a client's trace the client decides.

    A `traceparent` that is malformed, doubled or of no known form is replaced, and its `tracestate` dropped
    (section 3.2.4 and 4.3). The span of the gateway is the parent of LiteLLM's.
    """

    def __init__(self, sample: float = 1) -> None:
        self._recorded_below = round(sample * (1 << 64))

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Set `request.trace_id`, `request.parent_span_id` and both headers."""
        headers = request.headers
        given = headers.getall(PARENT, ())
        match = _PARENT.fullmatch(given[0]) if len(given) == 1 else None
        if match is None or (match[1] == "00" and match[5] is not None):
            request.trace_id = random_digits(32)
            # as a rule 01, for the access log records it; 00 keeps LiteLLM's tracing from recording its part
            flags = "01" if int(request.trace_id[16:], 16) < self._recorded_below else "00"
            if STATE in headers:
                del headers[STATE]
        else:
            request.trace_id = match[2]
            request.parent_span_id = match[3]
            flags = "01" if int(match[4], 16) & 1 else "00"  # the only flag there is (section 3.2.2.5.1)
            if STATE in headers:
                _keep_valid_state(headers)
        headers[PARENT] = f"00-{request.trace_id}-{random_digits(16)}-{flags}"
        return await call_next(request)


def _keep_valid_state(headers: CIMultiDict[str]) -> None:
    """Drop a `tracestate` that cannot be read; several headers are one list (section 3.3.1)."""
    members = ",".join(headers.getall(STATE)).split(",")
    matches = [_MEMBER.fullmatch(member) for member in members]
    keys = [match[1] for match in matches if match is not None and match[1] is not None]
    if None in matches or not keys or len(keys) > _MOST_MEMBERS or len(set(keys)) < len(keys):
        del headers[STATE]
