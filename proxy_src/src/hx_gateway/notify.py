"""What systemd is told about the process (sd_notify(3))."""

from __future__ import annotations

import os
import socket
import time


def notify(state: str) -> None:
    """Send `state`, e.g. `READY=1`, to the socket in NOTIFY_SOCKET; do nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:  # the manager is gone: the service works all the same
            return


def notify_reloading() -> None:
    """Say that a reload begins, with the time of it, by which `Type=notify-reload` knows its own request."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def notify_ready(status: object) -> None:
    """Say that the start, or a reload, is over, and what runs: one line."""
    notify(f"READY=1\nSTATUS={status}")
