"""The addresses of the admin socket, added by whoever has something to offer there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

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


class Answer(NamedTuple):
    """What a request on the admin socket gets."""

    status: int
    document: dict[str, Any]
    allow: str = ""
    """The methods there are, where another was used."""


Desk: TypeAlias = Callable[[str, str, Mapping[str, str]], Awaitable[Answer]]
"""Answers a method, a path and a query."""


async def answer(routes: AdminRoutes, method: str, path: str, query: Mapping[str, str]) -> Answer:
    """Answer by `routes`."""
    actions = routes.methods(path)
    if not actions:
        return Answer(404, {"error": f"unknown address; there are {', '.join(routes.paths()) or 'none'}"})
    action = actions.get(method)
    if action is None:
        allowed = ", ".join(sorted(actions))
        return Answer(405, {"error": f"only {allowed}"}, allowed)
    try:
        return Answer(200, await action(query))
    except AdminError as error:
        return Answer(error.status, {"error": str(error)})
