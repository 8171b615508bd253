"""Listening sockets that another process holds: systemd's (sd_listen_fds(3)), or the supervisor's."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRST = 3
"""SD_LISTEN_FDS_START."""

_WORKER_FDS = "HX_GATEWAY_LISTEN_FDS"
"""Environment variable in which the supervisor names the sockets it passes to a worker."""


def inherited_sockets() -> list[socket.socket]:
    """Return the listening sockets this process was started with; none if it has to open its own.

    The environment variables are removed, so that no child process takes them for its own. Raises OSError if what
    was passed is not a listening stream socket.
    """
    numbers: list[int] = []
    worker = os.environ.pop(_WORKER_FDS, "")
    passed = os.environ.pop("LISTEN_FDS", "")
    owner = os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if worker:
        numbers = [int(number) for number in worker.split(",")]
    elif passed.isdecimal() and owner == str(os.getpid()):
        numbers = list(range(_FIRST, _FIRST + int(passed)))
    return [_listening(number) for number in numbers]


def pass_to_worker(sockets: Iterable[socket.socket]) -> tuple[list[int], dict[str, str]]:
    """Return the file descriptors a worker has to be started with, and the environment that names them to it."""
    numbers = [channel.fileno() for channel in sockets]
    return numbers, {_WORKER_FDS: ",".join(map(str, numbers))}


def _listening(number: int) -> socket.socket:
    os.set_inheritable(number, False)
    channel = socket.socket(fileno=number)
    if not channel.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise OSError(f"file descriptor {number} is not a listening socket")
    channel.setblocking(False)
    return channel
