"""Where an operator reaches a running gateway."""

from __future__ import annotations

from pydantic import Field

from hx_gateway.config.base import Section


class Admin(Section):
    """A unix socket that only the gateway's user and root can open."""

    socket: str = Field(default="", pattern=r"^(/[^\x00]{1,106})?$")
    """Absolute path, up to 107 bytes (unix(7)); empty: none."""
