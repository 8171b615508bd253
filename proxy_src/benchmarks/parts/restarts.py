"""What clients see of restarts under load, with a socket that stays open as systemd's does."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks import open_loop
from benchmarks.contenders import GATEWAY, gateway_command, gateway_env
from benchmarks.parts.around import upstream
from benchmarks.parts.size import RATE
from benchmarks.processes import CONTENDER_CORE
from benchmarks.report import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size

_ACTIVATE = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec 3<&"$0"; exec "$@"'
"""The socket is file descriptor 3, and the variables name this very process (sd_listen_fds(3))."""

_ENDS_WITHIN = 30.0


class _Manager:
    """Does what systemd does with a `.socket` and a `.service`: holds the socket, stops, and starts again."""

    def __init__(self, place: Place, behind: int, listener: socket.socket) -> None:
        self._listener = listener
        command, _ = gateway_command(place, behind)
        self._command = [
            *("taskset", "-c", str(CONTENDER_CORE), "bash", "-c", _ACTIVATE, str(listener.fileno())),
            *command,
        ]
        self._env = gateway_env(place)
        self._messages = place.folder / "restarts.log"
        self.start()

    def start(self) -> None:
        """Start the gateway; what comes in meanwhile waits in the socket's queue."""
        with self._messages.open("ab") as messages:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                pass_fds=[self._listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=messages,
            )

    def stop(self) -> None:
        """End it as `systemctl stop` does. Raises subprocess.TimeoutExpired."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def restart(self) -> None:
        """Do both, one after the other."""
        self.stop()
        self.start()


@contextmanager
def _managed(place: Place, behind: int) -> Iterator[tuple[_Manager, int]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        manager = _Manager(place, behind, listener)
        try:
            yield manager, listener.getsockname()[1]
        finally:
            manager.stop()


async def restarted(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Count what restarts refuse and close."""
    if GATEWAY not in contenders or not open_loop.available():
        return None
    async with upstream(place) as behind:
        with _managed(place, behind) as (manager, port):
            seconds = size.restart_every * (size.restarts + 1)
            load = open_loop.start(place.folder, port, RATE, seconds)
            for _ in range(size.restarts):
                await asyncio.sleep(size.restart_every)
                await asyncio.to_thread(manager.restart)
            done = await asyncio.to_thread(open_loop.json_result, load)
    found = {"restarts": size.restarts, **asdict(done), "failed": done.failed}
    head = ("restarts", "requests", "refused", "cut", "closed while idle", "not 200", "without an answer", "longest ms")
    row = (size.restarts, done.due, done.refused, done.cut, done.idle_closed, done.bad_status, done.unanswered)
    print(table(head, [(*row, done.max / 1000)]), flush=True)
    return found
