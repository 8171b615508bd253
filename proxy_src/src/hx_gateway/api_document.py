"""The OpenAPI 3.1 description of what the gateway itself adds to LiteLLM's API.

Built from the code it describes: the errors are those of errors.py, so that none can be forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hx_gateway import __version__, errors
from hx_gateway.middlewares.health import ALIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION = (
    "A gateway in front of LiteLLM. Everything under /v1/ is LiteLLM's API (https://docs.litellm.ai/); this document "
    "describes what the gateway adds to it: its health, its headers and its own errors."
)

_FORWARDED_METHODS = ("get", "put", "post", "delete", "patch")

_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "OpenAI's shape of an error. Nothing that a client sent is repeated in it.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code", "request_id"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": "null"},
                "code": {"type": "string"},
                "request_id": {"type": ["string", "null"]},
            },
        }
    },
}

_READINESS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["ready", "litellm", "database", "reason", "limits"],
    "properties": {
        "ready": {"type": "boolean"},
        "litellm": {"enum": ["healthy", "unhealthy", "unreachable", "unknown"]},
        "database": {
            "enum": ["connected", "not connected", "disconnected", "unknown"],
            "description": "`not connected`: LiteLLM has none configured.",
        },
        "reason": {"type": ["string", "null"], "description": "Null when ready."},
        "limits": {
            "enum": ["redis", "memory", "off", "unavailable"],
            "description": "Where rate limits are counted; `unavailable` while requests are refused for want of Redis.",
        },
        "upstreams": {
            "type": "object",
            "required": ["ready", "all"],
            "properties": {"ready": {"type": "integer"}, "all": {"type": "integer"}},
            "description": "How many of several servers are ready; one is enough.",
        },
    },
}

_REQUEST_ID = {
    "x-request-id": {
        "description": "The client's own, if it is sane, or one made here; LiteLLM gets the same.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
    }
}

_LIMITS = {
    f"x-ratelimit-{what}-{kind}": {
        "description": f"{text} of the tightest limit on {kind}, where one applies; in OpenAI's words.",
        "schema": schema,
    }
    for kind in ("requests", "tokens")
    for what, text, schema in (
        ("limit", "Amount", {"type": "string"}),
        ("remaining", "What is left", {"type": "string"}),
        ("reset", "Time until nothing is used", {"type": "string", "examples": ["20ms", "1s", "6m0s"]}),
    )
}

_RETRY_AFTER = {"Retry-After": {"description": "Seconds; with 429 and 503.", "schema": {"type": "string"}}}

_ANSWER_HEADERS = {
    **_REQUEST_ID,
    "x-hx-cache": {
        "description": "What the response cache did, where it is on and the address is one it serves.",
        "schema": {"enum": ["hit", "miss", "bypass", "stale"]},
    },
    "age": {
        "description": "Seconds since a kept answer was asked for (RFC 9111 section 5.1).",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "x-hx-session-id": {
        "description": "Name of the session, given by the client or issued, where sessions are on.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
    },
}

_REQUEST_HEADERS = [
    {
        "name": "x-hx-cache",
        "in": "header",
        "description": "`store` asks for an answer to be kept that is not deterministic.",
        "schema": {"enum": ["store"]},
    },
    {
        "name": "x-hx-session-id",
        "in": "header",
        "description": "Names the session this request belongs to.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
    },
]


def own_errors() -> Iterator[type[errors.GatewayError]]:
    """Yield every error the gateway can answer with, in the order of errors.py."""
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.GatewayError):
            yield value


def api_document() -> dict[str, Any]:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "hx-gateway", "version": __version__, "description": DESCRIPTION},
        "paths": {
            "/healthz": _read("Whether the process works", {"200": _json("It does.", {"const": orjson.loads(ALIVE)})}),
            "/readyz": _read(
                "Whether LiteLLM, and its database, can serve; judged by the body of LiteLLM's readiness",
                {
                    "200": _json("Ready.", {"$ref": "#/components/schemas/Readiness"}),
                    "503": _json("Not ready; `reason` says why.", {"$ref": "#/components/schemas/Readiness"}),
                },
            ),
            "/openapi.json": _read("This document", {"200": _json("The document.", {"type": "object"})}),
            "/v1/{path}": _forwarded(),
        },
        "components": {
            "schemas": {"Error": _ERROR_SCHEMA, "Readiness": _READINESS_SCHEMA},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of LiteLLM's."}},
        },
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "headers": _REQUEST_ID, "content": {"application/json": {"schema": schema}}}


def _read(summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    """Describe an address that is only read, by GET and HEAD."""
    without = {status: {**response, "content": {}} for status, response in responses.items()}
    return {
        "get": {"summary": summary, "responses": {**responses, "default": _refusals()}},
        "head": {"summary": summary, "responses": {**without, "default": _refusals(body=False)}},
    }


def _forwarded() -> dict[str, Any]:
    operation = {
        "summary": "LiteLLM's API; `openai` and other clients of OpenAI's API take http://GATEWAY/v1 as their base",
        "security": [{"key": []}],
        "parameters": [
            {
                "name": "path",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
            },
            *_REQUEST_HEADERS,
        ],
        "responses": {
            "2XX": {"description": "LiteLLM's answer.", "headers": {**_ANSWER_HEADERS, **_LIMITS}},
            "default": _refusals(or_else="LiteLLM's answer"),
        },
    }
    return dict.fromkeys(_FORWARDED_METHODS, operation)


def _refusals(*, body: bool = True, or_else: str = "") -> dict[str, Any]:
    """Describe the gateway's own errors, in a place where `or_else` may stand too."""
    head = f"{or_else}, or an error of the gateway." if or_else else "An error of the gateway."
    rows = [f"| {error.status} | `{error.code}` | {error.message} |" for error in own_errors()]
    return {
        "description": "\n".join([head, "", "| status | code | message |", "| --- | --- | --- |", *rows]),
        "headers": {**_REQUEST_ID, **(_LIMITS | _RETRY_AFTER if or_else else {})},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}} if body else {},
    }
