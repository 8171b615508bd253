"""The addresses of the admin socket, added by whoever has something to offer there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

AdminAction: TypeAlias = Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]
"""Gets the query, returns the JSON object to answer with; raises AdminError."""


class AdminError(Exception):
    """A request that cannot be done: a status and one line that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class AdminRoutes:
    """Actions by method and path."""

    def __init__(self) -> None:
        self._actions: dict[str, dict[str, AdminAction]] = {}

    def add(self, method: str, path: str, action: AdminAction) -> None:
        """Answer `method` on `path` with what `action` returns."""
        self._actions.setdefault(path, {})[method] = action

    def methods(self, path: str) -> dict[str, AdminAction]:
        """Return the actions on `path` by method; empty for an unknown path."""
        return self._actions.get(path, {})

    def paths(self) -> list[str]:
        """Return all paths."""
        return sorted(self._actions)
