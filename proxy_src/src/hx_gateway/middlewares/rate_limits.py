"""Lets nobody use more than the limits allow, and tells everybody what is left."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from hx_gateway import rate_limit_headers
from hx_gateway.errors import ConcurrencyLimitError, LimitsUnavailableError, RequestLimitError, TokenLimitError
from hx_gateway.limit_rules import LimitRules
from hx_gateway.log import event
from hx_gateway.stores.errors import StoreError, StoreUnavailableError
from hx_gateway.stores.limits_memory import MemoryLimits
from hx_gateway.stores.limits_probe import Probe
from hx_gateway.stores.limits_redis import RedisLimits
from hx_gateway.tokens import estimate_prompt

if TYPE_CHECKING:
    import asyncio

    from hx_gateway.errors import GatewayError
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler, Services
    from hx_gateway.outcome import Outcome
    from hx_gateway.stores.limits_base import Limiter, Plan, Verdict

    _Need: TypeAlias = tuple[Plan, int, int, str]
    """What a request needs to pass: its plan, the tokens of its prompt as estimated, those to reserve, and who has its
    place in limits on concurrent requests (empty where there are none). A plain tuple: it is made for each request."""

_ERRORS: dict[str, type[GatewayError]] = {
    "requests": RequestLimitError,
    "tokens": TokenLimitError,
    "concurrent": ConcurrencyLimitError,
}

_STATED_COMPLETION = ("max_completion_tokens", "max_tokens", "max_output_tokens")
"""Keys under which a request says how long an answer may be: chat completions, all others, responses."""

_KEPT = frozenset({"hit", "stale"})
"""What the cache says of an answer that LiteLLM was not asked for."""

_LARGEST = 1 << 31
"""Tokens above which it makes no difference how many a request asks for."""


class RateLimits:
    """Counts each request before it goes on, and corrects its tokens by what it took when it has ended.

    Reserved are the estimated tokens of the prompt and as many as the answer may have, where the request says so; at
    least one.
    Raises RequestLimitError, TokenLimitError or ConcurrencyLimitError with the name of the limit in the outcome,
    LimitsUnavailableError if Redis is away and the limits are to fail closed.
    """

    def __init__(self, services: Services) -> None:
        config = services.config.rate_limits
        self._rules = LimitRules(config.limits)
        self._memory = MemoryLimits()
        self._workers = services.workers
        self._shared: RedisLimits | None = None
        self._probe: Probe | None = None
        self._redis = services.redis
        self._closed = config.on_store_failure == "fail_closed"
        self._failing = False
        self._holder = f"{os.getpid():x}.{os.urandom(6).hex()}."
        self._holders = count()
        if services.redis is not None and config.limits:
            self._shared = RedisLimits(services.redis, config.lease)
            services.lifespan.callback(self._shared.close)
            self._probe = Probe(self._shared, self._counts_again)
            services.lifespan.callback(self._probe.close)
        if config.limits:
            services.limits = self.where

    def where(self) -> str:
        """Say what counts: `redis`, `memory`, or `unavailable` if requests are refused for want of Redis."""
        if self._shared is None or self._redis is None:
            return "memory"
        if self._redis.state.connected and not self._failing:
            return "redis"
        return "unavailable" if self._closed else "memory"

    def prefetch(self, request: Request) -> bool:
        """Begin to count the request in Redis, if that is there."""
        shared = self._shared
        if shared is not None:
            need = self._need(request)
            if need is not None:
                try:
                    request.ahead[self] = need, shared.ask(need[0], need[2], need[3])
                except StoreUnavailableError:
                    return True  # what to do then is seen to when it is asked again
        return True

    def abandon(self, begun: tuple[_Need, asyncio.Future[Any]]) -> None:
        """Give back what the request did not come to use."""
        (plan, _, reserved, holder), asked = begun
        if self._shared is not None:
            self._shared.return_unused(plan, reserved, holder, asked)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Pass the request on if every limit that applies to it lets it."""
        need, asked = request.ahead.pop(self, None) or (self._need(request), None)
        if need is None:
            return await call_next(request)
        plan, prompt, reserved, holder = need
        limiter, verdict = await self._take(need, asked)
        if verdict.refused >= 0:
            self._refuse(request, plan, verdict)
        if holder or reserved:

            def settle(outcome: Outcome) -> None:
                limiter.settle(plan, _spent(outcome, prompt) - reserved if reserved else 0, holder)

            request.on_finish(settle)
        response = await call_next(request)
        kept = request.outcome.cache in _KEPT
        rate_limit_headers.write(response.headers, plan, verdict, kept=kept)
        return response

    def _need(self, request: Request) -> _Need | None:
        """Return what `request` needs to pass; None if no limit applies."""
        plan = self._rules.plan(request.key, request.model, request.client)
        if plan is None:
            return None
        prompt = reserved = 0
        if plan.tokens and request.document is not None:
            prompt = estimate_prompt(request.document)
            # pictures, sounds and tools are not estimated: one token, lest what takes any pass where none is left
            reserved = min(_LARGEST, prompt + _longest_answer(request.document)) or 1
        return plan, prompt, reserved, f"{self._holder}{next(self._holders):x}" if plan.concurrent else ""

    async def _take(self, need: _Need, asked: asyncio.Future[Any] | None) -> tuple[Limiter, Verdict]:
        """Ask Redis; where there is none the supervisor that all workers have; this process where there is neither."""
        plan, _, tokens, holder = need
        shared = self._shared
        if shared is not None:
            try:
                verdict = await shared.take(plan, tokens, holder, asked)
            except StoreError as error:
                self._failed(error)
                if self._closed:
                    raise LimitsUnavailableError from error
            else:
                if self._failing:
                    self._counts_again()
                return shared, verdict
        if self._workers is not None:
            with suppress(StoreUnavailableError):
                return self._workers, await self._workers.take(plan, tokens, holder)
        return self._memory, await self._memory.take(plan, tokens, holder)

    def _failed(self, error: StoreError) -> None:
        if not self._failing:
            self._failing = True
            name = "limits_unavailable" if self._closed else "limits_in_memory"
            event(name, logging.WARNING, reason=str(error)[:200])
            if self._probe is not None:
                self._probe.begin()

    def _counts_again(self) -> None:
        if self._failing:
            self._failing = False
            event("limits_in_redis")

    @staticmethod
    def _refuse(request: Request, plan: Plan, verdict: Verdict) -> None:
        bucket = plan.buckets[verdict.refused]
        request.outcome.limit = bucket.name
        headers = {"Retry-After": rate_limit_headers.retry_after(verdict.wait)}
        rate_limit_headers.write(headers, plan, verdict)
        raise _ERRORS[bucket.counts](headers=headers)


def _longest_answer(document: dict[str, Any]) -> int:
    """Return how many tokens an answer may have by its request; 0 where that is not said."""
    for key in _STATED_COMPLETION:
        if key in document and (longest := _number(document[key])):
            return longest * max(1, _number(document.get("n")))
    return 0


def _number(value: object) -> int:
    return value if type(value) is int and 0 < value < _LARGEST else 0


def _spent(outcome: Outcome, prompt: int) -> int:
    """Return what a request is charged: what LiteLLM says it took, else its prompt if LiteLLM may have worked on it.

    An answer from the cache takes nothing, unless it is the rest of a stream whose first reader has left; and neither
    does one that LiteLLM refused.
    """
    if outcome.cache in _KEPT and not outcome.takes_over:
        return 0
    if outcome.usage is not None:
        return outcome.usage.total
    return prompt if outcome.status < 300 or outcome.status == 499 else 0
