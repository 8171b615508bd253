"""What clients are told of limits, in the words of OpenAI (platform.openai.com/docs/guides/rate-limits)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from hx_gateway.stores.limits_base import Plan, Verdict

_NAMES: Final = {
    kind: (f"x-ratelimit-limit-{kind}", f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}")
    for kind in ("requests", "tokens")
}


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


def write(headers: MutableMapping[str, str], plan: Plan, verdict: Verdict) -> None:
    """Set the headers for requests and for tokens, each from the tightest bucket that counts them.

    Tightest is the one with the least remaining, or the one that refused. Where LiteLLM says already that less
    remains of a limit of its own, its three headers of that kind are left as they are.
    """
    if plan.requests:
        _write(headers, plan, verdict, "requests", plan.requests)
    if plan.tokens:
        _write(headers, plan, verdict, "tokens", plan.tokens)


def _write(headers: MutableMapping[str, str], plan: Plan, verdict: Verdict, kind: str, places: tuple[int, ...]) -> None:
    standings = verdict.standings
    place = places[0]
    if verdict.refused in places:
        place = verdict.refused
    elif len(places) > 1:
        place = min(places, key=lambda index: standings[index].remaining)
    remaining, reset = standings[place]
    limit_name, remaining_name, reset_name = _NAMES[kind]
    theirs = headers.get(remaining_name)
    if theirs is not None and theirs.isdecimal() and len(theirs) < 20 and int(theirs) < remaining:
        return
    headers[limit_name] = str(plan.buckets[place].amount)
    headers[remaining_name] = str(remaining)
    headers[reset_name] = duration(reset)
