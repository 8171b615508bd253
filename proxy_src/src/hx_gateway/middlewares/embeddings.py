"""Translates between `input` (OpenAI) and `prompt` (older Ollama) in embeddings requests.

LiteLLM refuses a body without `input`; some backends and clients know only `prompt`. Modes:

- `replace`: `input` becomes `prompt`, for a backend that takes nothing else;
- `both`: whichever is missing is added, the other kept;
- `reverse`: `prompt` of an old client becomes `input`;
- `off`: nothing is changed.

A null counts as missing. What is not a JSON object, has neither, or needs no change passes byte for byte.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hx_gateway.config.embeddings import Embeddings, EmbeddingsMode
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler

PATHS = frozenset({"/v1/embeddings", "/v1/embeddings/"})
"""LiteLLM 1.106 has no other address for embeddings under /v1; the slash is for clients that append one."""


class EmbeddingsTranslation:
    """Changes the document of POST /v1/embeddings by the mode of its model."""

    def __init__(self, config: Embeddings) -> None:
        self._rules = [(rule.model, rule.mode) for rule in config.rules]
        self._default = config.default

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Pass the request on, its document translated if it has to be."""
        if request.document is not None and request.method == "POST" and request.path in PATHS:
            changed = translated(request.document, self.mode(request.model))
            if changed is not None:
                request.replace_document(changed)
        return await call_next(request)

    def mode(self, model: str) -> EmbeddingsMode:
        """Return the mode of the first rule that matches `model`, or the default; empty is no model."""
        if model:
            for pattern, mode in self._rules:
                if fnmatchcase(model, pattern):
                    return mode
        return self._default


def translated(data: dict[str, Any], mode: EmbeddingsMode) -> dict[str, Any] | None:
    """Return the changed object, or None if `data` is already as it should be."""
    text, prompt = data.get("input"), data.get("prompt")
    if mode == "replace" and text is not None:
        return {key: value for key, value in data.items() if key != "input"} | {"prompt": text}
    if mode == "both" and text is not None and prompt is None:
        return data | {"prompt": text}
    if mode == "both" and text is None and prompt is not None:
        return data | {"input": prompt}
    if mode == "reverse" and text is None and prompt is not None:
        return {key: value for key, value in data.items() if key != "prompt"} | {"input": prompt}
    return None
