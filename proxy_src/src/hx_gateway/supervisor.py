"""Several workers on the same sockets: starts, watches and restarts them, and passes signals on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hx_gateway.admin.listener import open_admin
from hx_gateway.inherited import inherited_sockets, pass_to_worker
from hx_gateway.listening import open_socket
from hx_gateway.log import event
from hx_gateway.metrics.listener import open_metrics
from hx_gateway.notify import notify, notify_ready, notify_reloading
from hx_gateway.watchdog import Watchdog
from hx_gateway.worker import ANSWERS, LIMITS, SUPERVISOR, VARIABLE
from hx_gateway.workers.admin import EveryWorker
from hx_gateway.workers.limits import open_limits
from hx_gateway.workers.metrics import AllWorkers

if TYPE_CHECKING:
    from hx_gateway.config import Config

_MISSED = 30.0
"""Seconds without a sign of life after which a worker is killed."""

_DELAY = 1.0
"""Seconds before a worker that died is started again."""


async def supervise(config: Config) -> int:
    """Run `config.workers` workers until SIGTERM or SIGINT, then wait while they drain; return the exit status.

    They share the listening sockets, so that no connection waits for a worker that is gone. The page of
    metrics and the admin socket are the supervisor's, which asks the workers. Raises OSError, MetricsListenError or
    AdminListenError if an address cannot be listened on.
    """
    listen = config.listen
    listeners = inherited_sockets() or [open_socket(listen.address, listen.port, listen.backlog)]
    async with AsyncExitStack() as lifespan:
        folder = lifespan.enter_context(tempfile.TemporaryDirectory(prefix="hx-gateway-"))
        supervisor = _Supervisor(listeners, Path(folder), config.workers)
        await open_limits(supervisor.limits, lifespan)
        await open_metrics(config.metrics, AllWorkers(supervisor.answers).page, lifespan)
        await open_admin(config.admin.socket, EveryWorker(supervisor.answers), lifespan)
        return await supervisor.run()


class _Worker:
    """One worker: its process, and the socket on which it tells how it is (as sd_notify(3) does)."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.process: asyncio.subprocess.Process | None = None
        self.ready = asyncio.Event()
        self.status = ""
        self._reloaded = asyncio.Event()
        self.heard = time.monotonic()
        self.path = str(folder / str(number))
        self.answers = f"{self.path}.answers"
        """Where it can be asked."""
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._channel.bind(self.path)
        asyncio.get_running_loop().add_reader(self._channel, self._hear)

    def _hear(self) -> None:
        self.heard = time.monotonic()
        for line in self._channel.recv(4096).split(b"\n"):
            if line.startswith(b"STATUS="):
                self.status = line.partition(b"=")[2].decode(errors="replace")
            elif line == b"READY=1":
                self.ready.set()
                self._reloaded.set()

    async def reload(self) -> None:
        """Have it read the configuration again; return when it has, or when its successor has started with it."""
        await self.ready.wait()  # before that a signal would end it
        self._reloaded.clear()
        self.signal(signal.SIGHUP)
        await self._reloaded.wait()

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        self._channel.close()


class _Supervisor:
    def __init__(self, listeners: list[socket.socket], folder: Path, workers: int) -> None:
        self._listeners = listeners
        self._workers = [_Worker(number, folder) for number in range(workers)]
        self.limits = str(folder / "limits")
        self.answers = [worker.answers for worker in self._workers]
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._status = 0

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        event("supervising", workers=len(self._workers), port=self._listeners[0].getsockname()[1])
        background = [asyncio.create_task(self._watch()), asyncio.create_task(self._reload_when_asked())]
        watchdog = Watchdog()
        await asyncio.gather(*(self._keep(worker) for worker in self._workers))
        for task in background:
            task.cancel()
        watchdog.close()
        for worker in self._workers:
            worker.close()
        event("supervised", status=self._status)
        return self._status

    def _end(self, number: int) -> None:
        if not self._stop.is_set():
            notify("STOPPING=1\nSTATUS=Draining")
            self._stop.set()
            for listener in self._listeners:
                listener.close()
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        for worker in self._workers:
            worker.signal(number)

    async def _keep(self, worker: _Worker) -> None:
        """Keep one worker running until the end; one that cannot even start ends everything."""
        while not self._stop.is_set():
            worker.ready.clear()
            worker.heard = time.monotonic()
            worker.process = await self._start(worker)
            status = await worker.process.wait()
            if self._stop.is_set():
                return
            event("worker_died", logging.ERROR, worker=worker.number, pid=worker.process.pid, status=status)
            if not worker.ready.is_set():
                self._status = status if status > 0 else 1
                self._end(signal.SIGTERM)
                return
            try:
                await asyncio.wait_for(self._stop.wait(), _DELAY)
            except TimeoutError:
                continue

    async def _start(self, worker: _Worker) -> asyncio.subprocess.Process:
        numbers, named = pass_to_worker(self._listeners)
        environment = {
            **os.environ,
            VARIABLE: str(worker.number),
            SUPERVISOR: str(os.getpid()),
            ANSWERS: worker.answers,
            LIMITS: self.limits,
            **named,
            "NOTIFY_SOCKET": worker.path,
            "WATCHDOG_USEC": str(int(_MISSED * 1_000_000)),
        }
        environment.pop("WATCHDOG_PID", None)
        program = [sys.executable, *sys.orig_argv[1:]]
        # in a session of its own: a terminal's Ctrl-C would reach it besides what is passed on, and two signals cut
        process = await asyncio.create_subprocess_exec(
            *program, pass_fds=numbers, env=environment, start_new_session=True
        )
        event("worker_started", worker=worker.number, pid=process.pid)
        if self._stop.is_set():  # the signal came while it was being started
            process.send_signal(signal.SIGTERM)
        return process

    def _describe(self) -> str:
        """Return what the worker says that is furthest behind: each names the age of its configuration first."""
        return min(worker.status for worker in self._workers)

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            notify_reloading()
            await asyncio.gather(*(worker.reload() for worker in self._workers))
            notify_ready(self._describe())

    async def _watch(self) -> None:
        """Say when all are ready for the first time; kill a worker whose event loop does not turn."""
        await asyncio.gather(*(worker.ready.wait() for worker in self._workers))
        said = self._describe()
        notify_ready(said)
        while True:
            await asyncio.sleep(1)
            if said != (said := self._describe()):
                notify(f"STATUS={said}")
            for worker in self._workers:
                if worker.ready.is_set() and time.monotonic() - worker.heard > _MISSED:
                    event("worker_stuck", logging.ERROR, worker=worker.number)
                    worker.signal(signal.SIGKILL)
