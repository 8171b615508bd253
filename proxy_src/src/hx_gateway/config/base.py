"""What every section of the configuration file shares."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_FACTORY = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

Duration = Annotated[float, Field(ge=0, le=86400)]
"""Seconds; where that is said, 0 means without end."""


class ConfigError(Exception):
    """One line that says which key is wrong and why."""


class Section(BaseModel):
    """A mapping whose keys are all known and whose values have exactly their type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def check_factory(value: str) -> str:
    """Return `value` if it reads `package.module:callable`; else raise ValueError."""
    if not _FACTORY.fullmatch(value):
        raise ValueError("must be package.module:callable")
    return value
