"""What a process is told when it is one of several workers."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hx_gateway.config import Config

VARIABLE = "HX_GATEWAY_WORKER"
"""Environment variable with the worker's number, from 0."""


def worker_number() -> int | None:
    """Return the number of this worker; None in a process that is none."""
    number = os.environ.get(VARIABLE, "")
    return int(number) if number.isdecimal() else None


SUPERVISOR = "HX_GATEWAY_SUPERVISOR"
"""Environment variable with the process id of the supervisor."""

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def end_with_supervisor() -> None:
    """Have the kernel send SIGTERM to this worker when its supervisor ends, however it ends (prctl(2))."""
    supervisor = os.environ.pop(SUPERVISOR, "")
    if not supervisor:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):  # it ended before the kernel was asked
        os.kill(os.getpid(), signal.SIGTERM)


def for_worker(config: Config) -> Config:
    """Return `config` as this worker uses it: each has a metrics page and an admin socket of its own.

    Worker N takes `metrics.listen.port` + N; sockets have `.N` after their path. Worker 0 takes them as they are.
    """
    number = worker_number()
    if not number:
        return config
    metrics = config.metrics
    listen = metrics.listen
    if listen.port:
        listen = listen.model_copy(update={"port": listen.port + number})
    metrics = metrics.model_copy(update={"listen": listen, "unix_socket": _numbered(metrics.unix_socket, number)})
    admin = config.admin.model_copy(update={"socket": _numbered(config.admin.socket, number)})
    return config.model_copy(update={"metrics": metrics, "admin": admin})


def _numbered(path: str, number: int) -> str:
    return f"{path}.{number}" if path else path
