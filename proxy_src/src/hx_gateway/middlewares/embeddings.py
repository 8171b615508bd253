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

import orjson

from hx_gateway.message import BytesBody, read_all

if TYPE_CHECKING:
    from hx_gateway.config import Embeddings, EmbeddingsMode
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler

PATHS = frozenset({"/v1/embeddings", "/v1/embeddings/"})
"""LiteLLM 1.106 has no other address for embeddings under /v1; the slash is for clients that append one."""


class EmbeddingsTranslation:
    """Reads the body of POST /v1/embeddings, up to a limit (else 413), and changes it by the model's mode."""

    def __init__(self, config: Embeddings, body_read_max: int) -> None:
        self._rules = [(rule.model, rule.mode) for rule in config.rules]
        self._default = config.default
        self._off = config.default == "off" and all(mode == "off" for _, mode in self._rules)
        self._limit = body_read_max

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Pass the request on, its body translated if it has to be."""
        if request.method == "POST" and not self._off and request.path in PATHS and _is_plain(request):
            body = await read_all(request.body, self._limit)
            request.body = BytesBody(self.translate(body))
        return await call_next(request)

    def mode(self, model: object) -> EmbeddingsMode:
        """Return the mode of the first rule that matches `model`, or the default."""
        if isinstance(model, str):
            for pattern, mode in self._rules:
                if fnmatchcase(model, pattern):
                    return mode
        return self._default

    def translate(self, body: bytes) -> bytes:
        """Return `body` as LiteLLM is to see it; the same object if nothing has to change."""
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        if not isinstance(data, dict):
            return body
        changed = _translated(data, self.mode(data.get("model")))
        return body if changed is None else orjson.dumps(changed)


def _is_plain(request: Request) -> bool:
    """Say whether the body is sent without a content coding (RFC 9110 section 8.4): a coded one passes untouched."""
    return "Content-Encoding" not in request.headers


def _translated(data: dict[str, Any], mode: EmbeddingsMode) -> dict[str, Any] | None:
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
