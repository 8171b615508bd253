"""Sessions kept in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from hx_gateway.sessions.store import Begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.config.sessions import Sessions


class _Session:
    __slots__ = ("requests", "tokens", "until", "upstream")

    def __init__(self) -> None:
        self.requests = 0
        self.tokens = 0
        self.upstream = ""
        self.until = 0.0


class MemorySessions:
    """At most `memory_max` sessions; beyond, the one that was idle longest is given up."""

    def __init__(self, config: Sessions, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def begin(self, name: str, asked: object = None) -> Begun:  # noqa: ARG002 - there is nothing to wait for
        """Count a request."""
        config = self._config
        session = self._live(name)
        if session is not None:
            if config.max_requests and session.requests >= config.max_requests:
                return Begun(session.requests, session.tokens, session.upstream, "requests")
            if config.max_tokens and session.tokens >= config.max_tokens:
                return Begun(session.requests, session.tokens, session.upstream, "tokens")
        session = session or self._made(name)
        session.requests += 1
        self._touch(name, session)
        return Begun(session.requests, session.tokens, session.upstream)

    def end(self, name: str, tokens: int, upstream: str) -> None:
        """Add what a request took."""
        session = self._live(name) or self._made(name)
        session.tokens += tokens
        session.upstream = upstream or session.upstream
        self._touch(name, session)

    def add(self, name: str, tokens: int, upstream: str) -> None:
        """Begin a session."""
        self._made(name).requests = 1
        self.end(name, tokens, upstream)

    def _live(self, name: str) -> _Session | None:
        session = self._sessions.get(name)
        if session is not None and session.until <= self._clock():
            del self._sessions[name]
            return None
        return session

    def _made(self, name: str) -> _Session:
        session = self._sessions[name] = _Session()
        self._touch(name, session)
        if len(self._sessions) > self._config.memory_max:
            self._sessions.popitem(last=False)
        return session

    def _touch(self, name: str, session: _Session) -> None:
        session.until = self._clock() + self._config.ttl
        self._sessions.move_to_end(name)
