"""Sockets that the gateway opens itself."""

from __future__ import annotations

import socket


def open_socket(address: str, port: int, backlog: int) -> socket.socket:
    """Return a socket that listens on an IP address; on `::` clients with IPv4 are served too. Raises OSError.

    asyncio's own, and what /proc/sys/net/ipv6/bindv6only may ask for, is IPv6 alone there.
    """
    numeric = socket.AI_NUMERICHOST | socket.AI_PASSIVE
    family, kind, _, _, name = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=numeric)[0]
    listener = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(name)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener
