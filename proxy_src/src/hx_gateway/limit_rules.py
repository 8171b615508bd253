"""Which limits apply to a request, and which counters they have for it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING

from hx_gateway.addresses import network
from hx_gateway.stores.limits_base import Bucket, Plan
from hx_gateway.stores.limits_bucket import Rate, rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.config.rate_limits import RateLimit

PREFIX = "hx:limit:"

_PLANS_MAX = 8192
"""Combinations of key, model and client whose plan is remembered."""

_LONGEST = 64
"""Characters of a client's text in a key of the store; longer or unusual text is named by its hash."""


class LimitRules:
    """Makes the plan for a request; the same for the same key, model and client."""

    def __init__(self, limits: Sequence[RateLimit]) -> None:
        self._limits = [(limit, _rate(limit), frozenset(limit.key_hashes)) for limit in limits]
        self._plans: dict[tuple[str, str, str], Plan | None] = {}

    def plan(self, key: str, model: str, client: str) -> Plan | None:
        """Return the counters a request must pass; None if no limit applies."""
        if not self._limits:
            return None
        identity = (key, model, client)
        try:
            return self._plans[identity]
        except KeyError:
            pass
        if len(self._plans) >= _PLANS_MAX:
            del self._plans[next(iter(self._plans))]
        plan = self._plans[identity] = self._made(key, model, client)
        return plan

    def _made(self, key: str, model: str, client: str) -> Plan | None:
        parts = {
            "key": key or "-",
            "model": _safe(model),
            "client": _safe(network(client).replace(":", "-")),
            "global": "*",
        }
        buckets = []
        for limit, (drain, unit, most), keys in self._limits:
            if keys and key not in keys:
                continue
            if limit.models and not any(fnmatchcase(model, pattern) for pattern in limit.models):
                continue
            counter = ":".join([limit.name, *(parts[part] for part in limit.scope)])
            buckets.append(Bucket(limit.name, limit.count, PREFIX + counter, limit.amount, drain, unit, most))
        return Plan(buckets) if buckets else None


def _rate(limit: RateLimit) -> Rate:
    if limit.count == "concurrent":
        return Rate(0, 1, limit.amount)
    return rate(limit.amount, limit.window_ms, limit.burst)


def _safe(text: str) -> str:
    """Return `text` so that it is one part of a key: short, printable, without a colon."""
    if 0 < len(text) <= _LONGEST and text.isascii() and text.isprintable() and ":" not in text and text[0] not in "-=":
        return text
    return f"={sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}" if text else "-"
