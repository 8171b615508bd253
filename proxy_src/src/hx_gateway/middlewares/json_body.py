"""Reads a JSON body once, for all that look into it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import orjson

from hx_gateway.errors import RefusedCodingError, RefusedFormError
from hx_gateway.message import BytesBody, read_all
from hx_gateway.target import decoded_path

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
"""Media types that LiteLLM does not read as JSON (1.106.2, proxy/common_utils/http_parsing_utils.py)."""

_WITHOUT_FORMS = frozenset(
    {
        "/v1/audio/speech",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/images/generations",
        "/v1/messages",
        "/v1/moderations",
        "/v1/rerank",
        "/v1/responses",
        "/v1/responses/compact",
    }
)
"""Addresses of models for which OpenAI's API, and Anthropic's, knows JSON alone; LiteLLM takes forms everywhere."""

_TELEMETRY = frozenset({"/v1/traces", "/v1/logs"})
"""Where LiteLLM leaves the body to OpenTelemetry, whose exporters may compress it (is_otlp_trace_request there)."""

_PYTHON_MAX = 1 << 20
"""Bytes above which LiteLLM refuses what orjson does (litellm/constants.py, MAX_REQUEST_BODY_SIZE_TO_REPAIR_MB)."""

_NAMED_IN_QUERY = frozenset(
    {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/images/generations",
        "/v1/images/edits",
    }
)
"""Where LiteLLM takes `?model=` before the body's model (resolve_inference_model there)."""


class JsonBody:
    """Sets `request.document` where a POST has a JSON object as body; anything else passes byte for byte.

    The body is read up to a limit (else 413), by LiteLLM's rules: whatever its media type, unless it is a form, which
    is streamed. RefusedFormError is raised where LiteLLM would serve a form that nobody could count or limit, and
    RefusedCodingError for a body with a content coding (RFC 9110 section 8.4) that it would read as JSON all the same.
    """

    def __init__(self, body_read_max: int) -> None:
        self._limit = body_read_max

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Read the body, or leave it to be streamed."""
        if request.method == "POST":
            if "?" in request.target and (model := _model_in_query(request.target)):
                request.name_model(model)
            if request.body.length != 0 and _is_json(request):
                data = request.body.take()
                if data is None or len(data) > self._limit:
                    data = await read_all(request.body, self._limit)
                request.body = BytesBody(data)
                try:
                    document = orjson.loads(data)
                except orjson.JSONDecodeError:
                    document = _as_python_reads(data)
                    request.needs_python = document is not None
                if isinstance(document, dict):
                    request.document = document
        return await call_next(request)


def _is_json(request: Request) -> bool:
    """Say whether LiteLLM will read the body as JSON. Raises RefusedFormError, RefusedCodingError."""
    if _is_form(request.headers.get("Content-Type", "")):
        if request.path in _WITHOUT_FORMS:
            raise RefusedFormError
        return False
    if "Content-Encoding" in request.headers and _is_coded(request):
        if request.path not in _TELEMETRY:
            raise RefusedCodingError
        return False
    return True


@lru_cache(maxsize=128)
def _is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip(" \t").lower() in _FORMS


def _is_coded(request: Request) -> bool:
    return any(value.strip().lower() not in {"", "identity"} for value in request.headers.getall("Content-Encoding"))


@lru_cache(maxsize=512)
def _model_in_query(target: str) -> str:
    """Return the model that `target` names for LiteLLM; the last one counts, an empty one for nothing."""
    if decoded_path(target) not in _NAMED_IN_QUERY:
        return ""
    return dict(parse_qsl(target.partition("?")[2], keep_blank_values=True)).get("model", "")


def _as_python_reads(data: bytes) -> object:
    """Return what LiteLLM reads where orjson fails, NaN for one; None where it refuses it too.

    Lone surrogates are what Python reads and nobody can write.
    """
    if len(data) > _PYTHON_MAX:
        return None
    try:
        document: object = json.loads(data.decode())
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return document
