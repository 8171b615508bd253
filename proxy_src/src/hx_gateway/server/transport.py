"""Ways to end a connection."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def reset(transport: asyncio.Transport | None) -> None:
    """Close a connection with RST instead of FIN, dropping what is not yet sent."""
    if transport is None:
        return
    channel = transport.get_extra_info("socket")
    if channel is not None:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def is_unread(transport: asyncio.Transport) -> bool:
    """Say whether the other end has sent what was not read yet (tcp(7), SIOCINQ)."""
    channel = transport.get_extra_info("socket")
    if channel is None or channel.fileno() < 0:
        return False
    waiting: int = struct.unpack("i", fcntl.ioctl(channel.fileno(), termios.FIONREAD, bytes(4)))[0]
    return waiting > 0


def unsent(transport: asyncio.Transport) -> int:
    """Return the bytes the other end has not yet taken: what waits here, and in the kernel (tcp(7), SIOCOUTQ).

    A client that takes a little is seen only in the kernel's queue, which has room for megabytes.
    """
    waiting = transport.get_write_buffer_size()
    channel = transport.get_extra_info("socket")
    if channel is None or channel.fileno() < 0:
        return waiting
    queued: int = struct.unpack("i", fcntl.ioctl(channel.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    return waiting + queued
