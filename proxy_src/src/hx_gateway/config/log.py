"""What is logged."""

from __future__ import annotations

from typing import Literal

from hx_gateway.config.base import Section


class Log(Section):
    """JSON lines: access log to standard output, everything else to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
