"""What a process is told when it is one of several workers."""

from __future__ import annotations

import ctypes
import os
import signal

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


ANSWERS = "HX_GATEWAY_ANSWERS"
"""Environment variable with the path on which this worker answers its supervisor."""


def answers_path() -> str:
    """Return where this worker answers its supervisor; empty in a process that is none."""
    return os.environ.get(ANSWERS, "")


LIMITS = "HX_GATEWAY_LIMITS"
"""Environment variable with the path on which the supervisor counts for all workers."""


def limits_path() -> str:
    """Return where limits are counted for all workers; empty in a process that is the only one."""
    return os.environ.get(LIMITS, "")
