"""Plans and fake clocks for the tests of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hx_gateway.config.rate_limits import RateLimits
from hx_gateway.limit_rules import LimitRules

if TYPE_CHECKING:
    from hx_gateway.stores.limits_base import Plan


def limit(name: str = "a", count: str = "requests", amount: int = 3, **more: Any) -> dict[str, Any]:
    """Return a limit as the configuration has it; for everyone, in an hour."""
    return {"name": name, "count": count, "scope": ["global"], "amount": amount, "window": 3600.0, **more}


def rules(*limits: dict[str, Any]) -> LimitRules:
    """Return the rules of a configuration."""
    return LimitRules(RateLimits.model_validate({"limits": list(limits)}).limits)


def plan(*limits: dict[str, Any], key: str = "k", model: str = "m", client: str = "c") -> Plan:
    """Return the plan of one request."""
    made = rules(*limits).plan(key, model, client)
    assert made is not None
    return made


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now
