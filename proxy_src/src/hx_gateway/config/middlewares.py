"""What differs from the built-in pipeline."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, field_validator

from hx_gateway.config.base import Section, check_factory

MiddlewareName = Literal[
    "request_id",
    "trace_context",
    "tracing",
    "access_log",
    "metrics",
    "usage_records",
    "errors",
    "health",
    "api_document",
    "path_gate",
    "forwarded",
    "credentials",
    "client_limits",
    "json_body",
    "prefetch",
    "sessions",
    "rate_limits",
    "cache",
    "token_usage",
    "embeddings",
]

MIDDLEWARES = get_args(MiddlewareName)
"""Names of the gateway's own middlewares; their order is decided in pipeline.py."""


class AddedMiddleware(Section):
    """A middleware from another package."""

    factory: str
    """`package.module:callable`, called with the gateway's Services, returns the middleware."""
    before: MiddlewareName | Literal["forwarder"] = "forwarder"
    """The one it stands in front of."""

    @field_validator("factory")
    @classmethod
    def _is_factory(cls, value: str) -> str:
        return check_factory(value)


class Middlewares(Section):
    """What differs from the built-in pipeline."""

    disable: list[MiddlewareName] = Field(default_factory=list)
    replace: dict[MiddlewareName, str] = Field(default_factory=dict)
    """Name to `package.module:callable`."""
    add: list[AddedMiddleware] = Field(default_factory=list)

    @field_validator("replace")
    @classmethod
    def _are_factories(cls, value: dict[str, str]) -> dict[str, str]:
        for factory in value.values():
            check_factory(factory)
        return value
