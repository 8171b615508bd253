"""Which requests the cache is for, and what a client asked of it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from hx_gateway.message import LONGEST_MODEL

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hx_gateway.config.cache import Cache
    from hx_gateway.message import Request

HEADER: Final = "x-hx-cache"
"""`store` in a request asks for an answer to be kept that is not deterministic; in an answer it says what was done."""

_EMBEDDINGS: Final = "/v1/embeddings"
PATHS: Final = frozenset({_EMBEDDINGS, "/v1/chat/completions", "/v1/completions", "/v1/responses"})

_STATEFUL: Final = ("conversation", "background", "cache")
"""Fields of a body that make its answer depend on more than the body: a conversation kept by the server, a job
that is only begun, LiteLLM's own cache commanded by the client."""


class Asked(NamedTuple):
    """What a request says about caches (RFC 9111 section 5.2.1)."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    """Seconds; an answer may not be older."""
    always: bool = False
    """Keep the answer although it is not deterministic."""


_NOTHING: Final = Asked()


def asked(headers: CIMultiDict[str]) -> Asked:
    """Return what `headers` ask for, and take the gateway's own header out of them."""
    always = HEADER in headers and "store" in [value.strip().lower() for value in headers.popall(HEADER)]
    if "Cache-Control" not in headers:
        return Asked(always=True) if always else _NOTHING
    found: dict[str, str] = {}
    for value in headers.getall("Cache-Control"):
        for directive in value.split(","):
            name, _, argument = directive.partition("=")
            found[name.strip().lower()] = argument.strip().strip('"')
    max_age = None
    if "max-age" in found:
        # what is not a number of seconds asks for an answer nothing is fresh enough for (RFC 9111 section 4.2.1)
        argument = found["max-age"]
        max_age = float(argument) if argument.isascii() and argument.isdigit() else 0.0
    return Asked("no-store" in found, "no-cache" in found, "only-if-cached" in found, max_age, always)


def is_for_cache(request: Request) -> bool:
    """Say whether the address is one whose answers can be kept at all."""
    return request.method == "POST" and request.target.partition("?")[0] in PATHS


class Policy:
    """The operator's rules."""

    def __init__(self, config: Cache) -> None:
        self._config = config
        self.ttl = lru_cache(maxsize=1024)(self._ttl)
        self.shared = lru_cache(maxsize=1024)(self._shared)

    def allows(self, request: Request, asks: Asked) -> bool:
        """Say whether the answer to `request` may be looked up and kept.

        It may for embeddings, for `temperature: 0`, with a `seed`, and where the client asked for it; never without
        a credential, with several, without a model (or with one whose name was cut), or a body that was read, nor
        with values that only Python knows.
        """
        document = request.document
        if document is None or not request.key or asks.no_store:
            return False
        if request.has_more_credentials or request.needs_python:
            return False
        for name in _STATEFUL:
            if document.get(name):
                return False
        if not (asks.always or request.target.startswith(_EMBEDDINGS)):
            temperature = document.get("temperature")
            cold = temperature == 0 and temperature is not False
            if not cold and document.get("seed") is None:
                return False
        model = request.model
        return 0 < len(model) <= LONGEST_MODEL and self.ttl(model) > 0

    def _ttl(self, model: str) -> float:
        """Return for how many seconds an answer of `model` is fresh; 0: it is not kept."""
        for rule in self._config.ttl_by_model:
            if fnmatchcase(model, rule.model):
                return rule.ttl
        return self._config.ttl

    def _shared(self, model: str) -> bool:
        """Say whether all keys that may use `model` share its answers."""
        return any(fnmatchcase(model, pattern) for pattern in self._config.shared_models)
