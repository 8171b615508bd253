"""What a client may cost."""

from __future__ import annotations

from pydantic import Field

from hx_gateway.config.base import Duration, Section


class Limits(Section):
    """What a request, a connection and a client may cost; 0 turns a limit off where that is said."""

    body_read_max: int = Field(default=33554432, ge=1024)
    """Bytes of a JSON body, which is read whole; more is answered with 413."""
    body_max: int = Field(default=0, ge=0)
    """Bytes of any body, streamed ones included; more is answered with 413. 0: no limit."""
    headers_max: int = Field(default=100, ge=8, le=1000)
    """Header fields of a request; each may have 8190 bytes."""
    header_bytes_max: int = Field(default=65536, ge=1024, le=1048576)
    """Bytes of a request's head, request line included."""
    header_timeout: Duration = 10
    """Seconds from the first byte of a request to the end of its head. 0: no limit."""
    body_timeout: Duration = 60
    """Seconds between two pieces of a body that is being read or passed on. 0: no limit."""
    write_timeout: Duration = 60
    """Seconds in which a client has to take some byte of what waits for it. 0: no limit."""
    connections: int = Field(default=0, ge=0)
    """Client connections at a time. 0: no limit."""
    connections_per_client: int = Field(default=0, ge=0)
    """Of them, from one address that is not a trusted proxy. 0: no limit."""
    streams_per_client: int = Field(default=0, ge=0)
    """Requests at a time from one client address. 0: no limit."""
    upgrades_ignored: list[str] = Field(default_factory=lambda: ["h2c"])
    """Protocols that `Upgrade` may offer: the request is then answered as if it had not (RFC 9110 section 7.8)."""
