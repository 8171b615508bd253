"""Which timeouts a request has."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.config.upstream import Timeouts, Upstream


def timeouts_by_route(config: Upstream) -> Callable[[str], Timeouts]:
    """Return what gives each request target its timeouts: those of the first rule that matches its path."""
    default = config.timeouts
    if not config.routes:
        return lambda _: default
    rules = [
        (route.path, default.model_copy(update=route.timeouts.model_dump(exclude_none=True))) for route in config.routes
    ]

    @lru_cache(maxsize=512)
    def of_path(path: str) -> Timeouts:
        return next((timeouts for pattern, timeouts in rules if fnmatchcase(path, pattern)), default)

    return lambda target: of_path(target.partition("?")[0])
