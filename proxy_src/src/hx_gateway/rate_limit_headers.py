"""What clients are told of limits, in the words of OpenAI (platform.openai.com/docs/guides/rate-limits)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from multidict import istr

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from hx_gateway.stores.limits_base import Plan, Verdict

_REQUESTS: Final = (
    istr("x-ratelimit-limit-requests"),
    istr("x-ratelimit-remaining-requests"),
    istr("x-ratelimit-reset-requests"),
)
_TOKENS: Final = (
    istr("x-ratelimit-limit-tokens"),
    istr("x-ratelimit-remaining-tokens"),
    istr("x-ratelimit-reset-tokens"),
)


@lru_cache(maxsize=4096)
def duration(milliseconds: int) -> str:
    """Return a duration as Go writes it, and so OpenAI: `0s`, `20ms`, `1s`, `8.64s`, `6m0s`, `1h0m0s`."""
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    seconds = f"{rest // 1000}.{rest % 1000:03d}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"


def retry_after(milliseconds: int) -> str:
    """Return whole seconds, at least 1 (RFC 9110 section 10.2.3)."""
    return str(max(1, -(-milliseconds // 1000)))


def write(headers: MutableMapping[str, str], plan: Plan, verdict: Verdict, *, kept: bool = False) -> None:
    """Set the headers for requests and for tokens, each from the tightest bucket that counts them.

    Tightest is the one with the least remaining, or the one that refused. Where LiteLLM says already that less
    remains of a limit of its own, its three headers of that kind are left as they are, unless the answer was `kept`
    in a cache, and says what was true when it was made.
    """
    if plan.requests:
        _write(headers, plan, verdict, plan.requests, _REQUESTS, kept)
    if plan.tokens:
        _write(headers, plan, verdict, plan.tokens, _TOKENS, kept)


def _write(
    headers: MutableMapping[str, str],
    plan: Plan,
    verdict: Verdict,
    places: tuple[int, ...],
    names: tuple[istr, istr, istr],
    kept: bool,
) -> None:
    refused, _, left, reset = verdict
    place = places[0]
    if refused >= 0 and refused in places:
        place = refused
    elif len(places) > 1:
        place = min(places, key=left.__getitem__)
    remaining = left[place]
    limit_name, remaining_name, reset_name = names
    theirs = None if kept else headers.get(remaining_name)
    if theirs is not None and theirs.isdecimal() and len(theirs) < 20 and int(theirs) < remaining:
        return
    headers[limit_name] = plan.amounts[place]
    headers[remaining_name] = str(remaining)
    headers[reset_name] = duration(reset[place])
