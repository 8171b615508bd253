"""What is logged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hx_gateway.config.base import Section


class Log(Section):
    """JSON lines: access log to standard output, everything else to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    sample: float = Field(default=1, ge=0, le=1)
    """Share of the good requests that the access log names; what failed is always in it."""
