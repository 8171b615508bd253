"""The name under which an answer is kept: equal for requests that must have the same answer, for no others."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from hx_gateway.message import Request

_FOR_LITELLM: Final = frozenset(
    {
        # how it names, logs and repeats a call
        "litellm_call_id",
        "litellm_session_id",
        "litellm_trace_id",
        "num_retries",
        "stream_timeout",
        "timeout",
        # looked into below
        "litellm_metadata",
    }
)

_REPEATING: Final = "/v1/responses"
"""The address whose answer repeats all of the request but what is for LiteLLM (OpenAI's API reference)."""

_VOLATILE: Final = _FOR_LITELLM | {
    # who asks, for abuse reports and statistics (OpenAI's API reference)
    "user",
    "safety_identifier",
    # which prompt cache of the provider is used, not what it answers
    "prompt_cache_key",
    "prompt_cache_retention",
    # looked into below
    "metadata",
}
"""Fields of a body that change nothing in its answer."""

_METADATA: Final = ("guardrails", "policies", "tags")
"""Of `metadata`, what LiteLLM chooses guardrails and deployments by; the rest is for logs."""

_CHOOSING: Final = ("x-litellm-", "openai-", "anthropic-")
"""Headers by which LiteLLM or the provider may answer differently."""

_HARMLESS: Final = frozenset(
    {
        "x-litellm-api-key",  # in the credential's hash
        "x-litellm-call-id",
        "x-litellm-keepalive-seconds",
        "x-litellm-num-retries",
        "x-litellm-session-id",
        "x-litellm-spend-logs-metadata",
        "x-litellm-stream-timeout",
        "x-litellm-timeout",
        "x-litellm-trace-id",
    }
)

_INEXACT: Final = re.compile(rb"[0-9](?:\.0|e[+-]?[0-9]+)[,}\]]")
"""A number that may have another spelling, as orjson writes it."""

_EXACT: Final = 2**53
"""From here on a double does not hold every integer."""


class _InexactError(Exception):
    """A number whose exact value is only in the bytes."""


def cache_key(request: Request, *, shared: bool) -> str:
    """Return the key of the answer to `request`, whose body was read: SHA-256 in hexadecimal.

    Of the method, the target, the headers that choose an answer, the body without what changes nothing in it, and
    the hash of the credential, unless `shared`.
    """
    digest = sha256(
        f"{'' if shared else request.key}\0{request.method}\0{request.target}\0{_headers(request)}\0".encode(
            "utf-8", "surrogatepass"
        )
    )
    digest.update(_body(request))
    return digest.hexdigest()


def _headers(request: Request) -> str:
    found = [f"{name.lower()}:{value}" for name, value in request.headers.items() if _chooses(name)]
    return "\n".join(sorted(found)) if found else ""


@lru_cache(maxsize=1024)
def _chooses(name: str) -> bool:
    """Say whether the header `name` may choose an answer; remembered, since clients send the same names each time."""
    lowered = name.lower()
    return lowered.startswith(_CHOOSING) and lowered not in _HARMLESS


def _body(request: Request) -> bytes:
    document = request.document or {}
    volatile = _FOR_LITELLM if request.target.startswith(_REPEATING) else _VOLATILE
    # null and `stream: false` say what leaving them out says
    kept = {
        name: value
        for name, value in document.items()
        if value is not None and name not in volatile and not (name == "stream" and value is False)
    }
    for name in ("metadata", "litellm_metadata"):
        metadata = document.get(name)
        if isinstance(metadata, dict) and name not in kept:
            chosen = {field: metadata[field] for field in _METADATA if metadata.get(field) is not None}
            if chosen:
                kept[name] = chosen
    data = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    if not _has_float(kept) or _INEXACT.search(data) is None:
        return data
    try:
        return orjson.dumps(_exact(kept), option=orjson.OPT_SORT_KEYS)
    except _InexactError:
        return b"\0" + (request.body.take() or data)


def _has_float(value: dict[str, Any] | list[Any]) -> bool:
    """Say whether a number in `value` is a float, which is found faster than by searching the text."""
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is str or kind is int:  # nearly all are
            continue
        if kind is float or (isinstance(item, (dict, list)) and _has_float(item)):
            return True
    return False


def _exact(value: Any) -> Any:
    """Return `value` with 1.0 as 1; raise _InexactError for what may have been another number in the bytes."""
    if isinstance(value, float):
        if abs(value) >= _EXACT:
            raise _InexactError
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return value
