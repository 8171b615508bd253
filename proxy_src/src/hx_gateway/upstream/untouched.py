"""What the kernel knows of a connection that was lost: whether anything of a request arrived."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_TCP_INFO_SIZE = 192
_BYTES_ACKED = 120
"""Offset of tcpi_bytes_acked in struct tcp_info (linux/tcp.h)."""


def nothing_arrived(transport: asyncio.Transport, before: int) -> bool:
    """Say whether the peer, which has closed its side, had done so before any byte beyond the first `before` arrived.

    A FIN acknowledges all that had arrived when it was sent; a reset does not, so it proves nothing. Behind TLS
    bytes cannot be counted.
    """
    if transport.get_extra_info("ssl_object") is not None:
        return False
    channel = transport.get_extra_info("socket")
    try:
        info = channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        (acknowledged,) = struct.unpack_from("Q", info, _BYTES_ACKED)
    except (OSError, struct.error):
        return False
    return bool(acknowledged <= before + 1)  # the SYN counts as one
