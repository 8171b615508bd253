"""Keeps the requests of a session together: on one upstream, under one name in LiteLLM's logs, within limits."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from multidict import istr

from hx_gateway.errors import InvalidSessionError, SessionLimitError
from hx_gateway.sessions.memory import MemorySessions
from hx_gateway.sessions.redis import RedisSessions
from hx_gateway.stores.errors import StoreError, StoreUnavailableError
from hx_gateway.stores.redis import forget

if TYPE_CHECKING:
    import asyncio

    from hx_gateway.config.sessions import Sessions
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Services
    from hx_gateway.outcome import Outcome
    from hx_gateway.sessions.store import SessionStore

HEADER: Final = istr("x-hx-session-id")

LITELLM_HEADERS: Final = (istr("x-litellm-session-id"), istr("x-litellm-trace-id"))
"""Where LiteLLM takes a session's id from (litellm/proxy/litellm_pre_call_utils.py, get_chain_id_from_headers)."""

_IDS: Final = 64
"""Ids drawn at once."""

_ACCEPTED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""An id that is safe in headers, logs and URLs."""


class SessionKeeper:
    """Takes the client's `x-hx-session-id`, or issues one; the same id of another key is another session.

    A session whose store does not answer is passed on uncounted.
    """

    def __init__(self, store: SessionStore, *, issue: bool, limited: bool = False) -> None:
        self._store = store
        self._issue = issue
        self._ids: list[str] = []
        self._limited = limited
        """A session may be refused."""
        self._ask = store.ask if isinstance(store, RedisSessions) else None

    def prefetch(self, request: Request) -> bool:
        """Begin to count the request in the session that the client named."""
        if HEADER not in request.headers or not request.key or request.method != "POST":
            return True
        given = request.headers.getall(HEADER)
        if len(given) > 1 or _ACCEPTED.fullmatch(given[0]) is None:
            return False
        if self._ask is not None:
            try:
                request.ahead[self] = self._ask(_name(request.key, given[0]))
            except StoreUnavailableError:
                return not self._limited
        return not self._limited

    @staticmethod
    def abandon(begun: asyncio.Future[Any]) -> None:
        """Let go of the reply."""
        forget(begun)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Count the request in its session. Raises InvalidSessionError, SessionLimitError."""
        given = request.headers.popall(HEADER) if HEADER in request.headers else ()
        if not request.key or request.method != "POST" or not (given or self._issue):
            return await call_next(request)
        if len(given) > 1 or (given and _ACCEPTED.fullmatch(given[0]) is None):
            raise InvalidSessionError
        session = given[0] if given else f"sess-{self._issued()}"
        name = (_name if given else _name.__wrapped__)(request.key, session)  # an issued one is not met again soon
        if given:
            await self._begin(request, name)
        record = self._store.end if given else self._store.add

        def ended(outcome: Outcome) -> None:
            record(name, outcome.usage.total if outcome.usage is not None else 0, outcome.upstream)

        request.on_finish(ended)
        headers = request.headers
        if LITELLM_HEADERS[0] not in headers and LITELLM_HEADERS[1] not in headers:
            # LiteLLM knows ids without their keys: a part of the key's hash keeps those of two keys apart
            headers[LITELLM_HEADERS[0]] = f"{session}.{request.key[:12]}"
        response = await call_next(request)
        response.headers[HEADER] = session
        return response

    def _issued(self) -> str:
        """Return an id that nobody can guess; the kernel is asked for many at a time."""
        if not self._ids:
            drawn = os.urandom(16 * _IDS).hex()
            self._ids = [drawn[at : at + 32] for at in range(0, len(drawn), 32)]
        return self._ids.pop()

    async def _begin(self, request: Request, name: str) -> None:
        try:
            begun = await self._store.begin(name, request.ahead.pop(self, None))
        except StoreError:
            return
        if begun.refused:
            request.outcome.limit = f"session_{begun.refused}"
            raise SessionLimitError
        request.prefer = begun.upstream


@lru_cache(maxsize=4096)
def _name(key: str, session: str) -> str:
    return sha256(f"{key}\0{session}".encode()).hexdigest()


def make_sessions(services: Services) -> SessionKeeper | None:
    """Return what keeps sessions as configured; None where it is off."""
    config: Sessions = services.config.sessions
    if not config.enabled:
        return None
    limited = bool(config.max_requests or config.max_tokens)
    if config.store == "redis" and services.redis is not None:
        return SessionKeeper(RedisSessions(services.redis, config), issue=config.issue, limited=limited)
    return SessionKeeper(MemorySessions(config), issue=config.issue, limited=limited)
