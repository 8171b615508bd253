"""Processes under measurement, each bound to one core, with what they cost."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CORES = sorted(os.sched_getaffinity(0))
CONTENDER_CORE = _CORES[0]
LOAD_CORE = _CORES[-1]
"""Load and upstream share a core, so that the contender has one to itself."""

_STARTS_WITHIN = 60.0


class StartError(Exception):
    """A process ended, or did not listen in time."""


class Server:
    """A running process and its children."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def pids(self) -> list[int]:
        """Return the process and its descendants."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def cpu(self) -> float:
        """Return seconds of CPU time used so far by all threads, to the nanosecond (proc(5), schedstat)."""
        threads = [path for pid in self.pids() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(int(path.read_text().split()[0]) for path in threads) / 1e9

    def rss(self) -> int:
        """Return bytes of resident memory."""
        page = os.sysconf("SC_PAGESIZE")
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids()) * page


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path],
    port: int,
    *,
    core: int,
    env: Mapping[str, str] | None = None,
    errors: Path | None = None,
    within: float = _STARTS_WITHIN,
) -> Iterator[Server]:
    """Run `command` on `core` until the block ends; enter it once `port` is listened on. Raises StartError.

    Its output is thrown away; its messages go to the file `errors`.
    """
    sink = errors.open("ab") if errors is not None else None
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=sink or subprocess.DEVNULL,
    )
    try:
        _await_port(process, port, time.monotonic() + within)
        yield Server(process, port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if sink is not None:
            sink.close()


def _await_port(process: subprocess.Popen[bytes], port: int, deadline: float) -> None:
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"{process.args!r} ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise StartError(f"{process.args!r} does not listen on port {port}")
