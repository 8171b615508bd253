"""Label values from what clients send: always from a known set, or `other`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hx_gateway.metrics.series import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATIONS: Final = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "chat",
    "/v1/messages": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
    "/v1/rerank": "rerank",
    "/v1/moderations": "moderation",
    "/v1/ocr": "ocr",
    "/v1/images/generations": "image_generation",
    "/v1/images/edits": "image_edit",
    "/v1/audio/speech": "speech",
    "/v1/audio/transcriptions": "transcription",
}
"""Route to gen_ai.operation.name: OpenTelemetry's well-known value where there is one, else a word of that kind."""

_EXACT = frozenset(
    {
        *OPERATIONS,
        *("/v1/models", "/v1/model/info", "/v1/messages/count_tokens", "/v1/responses/compact"),
        *("/v1/responses/input_tokens", "/v1/fine_tuning/jobs", "/healthz", "/readyz"),
    }
)

_COLLECTIONS = frozenset(
    {
        *("models", "responses", "messages", "files", "batches", "assistants", "threads", "vector_stores"),
        *("fine_tuning", "audio", "images", "videos", "realtime", "containers", "evals", "skills", "mcp", "a2a"),
        *("agents", "search", "rag", "memory", "guard"),
    }
)
"""Where the rest of the path is an id, or one of many actions (LiteLLM 1.106, its routes under /v1)."""

_WITH_REST = {name: f"/v1/{name}/..." for name in _COLLECTIONS}
_ALONE = {f"/v1/{name}": f"/v1/{name}" for name in _COLLECTIONS} | {path: path for path in _EXACT}

ROUTES: Final = frozenset({*_ALONE.values(), *_WITH_REST.values(), OTHER})
"""All there can be."""

METHODS: Final = {name: name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}

STATUS_CLASSES: Final = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")

_LONGEST_MODEL = 128


def route_of(target: str) -> str:
    """Return the route that a request target is for, ids replaced by `...`; `other` if it is none of LiteLLM's."""
    path = target.partition("?")[0]
    route = _ALONE.get(path)
    if route is not None:
        return route
    if path.endswith("/"):
        return _ALONE.get(path[:-1], OTHER)
    first, _, rest = path.removeprefix("/v1/").partition("/")
    return _WITH_REST.get(first, OTHER) if rest and path.startswith("/v1/") else OTHER


class Models:
    """Names of models that may be label values: the configured ones, and a bounded number that LiteLLM knows."""

    __slots__ = ("_known", "_room")

    def __init__(self, configured: Iterable[str], learned_max: int) -> None:
        self._known = set(configured)
        self._room = learned_max

    def label(self, name: str, *, served: bool) -> str:
        """Return the label for `name`; `served` if LiteLLM answered a request for it with 2xx. No name is empty."""
        if not name or name in self._known:
            return name
        if served and self._room and len(name) <= _LONGEST_MODEL:
            self._known.add(name)
            self._room -= 1
            return name
        return OTHER
