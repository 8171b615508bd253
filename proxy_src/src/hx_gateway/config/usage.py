"""Records of what requests used."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from hx_gateway.config.base import Section

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class UsageSection(Section):
    """An append-only record for every request, in the database that DATABASE_URL names."""

    enabled: bool = False
    database_schema: str = "hx_usage"
    """Schema the gateway makes and fills; never LiteLLM's, and never one with the name of the login role."""
    queue_max: int = Field(default=20_000, ge=1, le=1_000_000)
    """Records that may wait; about half a kilobyte each. The oldest are dropped, and counted."""
    batch_max: int = Field(default=500, ge=1, le=10_000)
    """Records written at once."""
    interval: float = Field(default=1, gt=0, le=60)
    """Seconds between two rounds of writing."""
    retention_months: int = Field(default=12, ge=0, le=1200)
    """Whole months that are kept besides the one under way; older partitions are dropped. 0 keeps all."""

    @field_validator("database_schema")
    @classmethod
    def _is_own_schema(cls, value: str) -> str:
        if not _SCHEMA.fullmatch(value):
            raise ValueError("must be lower-case letters, digits and _, not a digit first")
        if value in {"public", "information_schema"} or value.startswith("pg_"):
            raise ValueError("must be a schema of its own")
        return value
