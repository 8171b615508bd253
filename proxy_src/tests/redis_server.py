"""Real Redis servers for tests: each on a free port, with a folder of its own, stopped with its test."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import redis

if TYPE_CHECKING:
    from typing import Self

PASSWORD = "pa55 w/rd:@é%"
USER = "hx_gateway"


def free_port() -> int:
    """Find a port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One server; it can be paused, killed and started again on its port."""

    def __init__(self, *settings: str, acl: str = "", tls: tuple[Path, Path] | None = None) -> None:
        if shutil.which("redis-server") is None:
            raise RuntimeError("Redis's server is missing; install Debian's package redis-server")
        self.port = free_port()
        self._settings = settings
        self.tls_port = 0
        if tls is not None:  # certificate and key
            self.tls_port = free_port()
            self._settings += ("--tls-port", str(self.tls_port), "--tls-auth-clients", "no")
            self._settings += (
                "--tls-cert-file",
                str(tls[0]),
                "--tls-key-file",
                str(tls[1]),
                "--tls-ca-cert-file",
                str(tls[0]),
            )
        self._acl = acl
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What REDIS_URL would hold."""
        login = f"{USER}:{quote(PASSWORD, safe='')}@" if self._acl else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="hx-gateway-redis-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        command += ["--save", "", "--appendonly", "no", *self._settings]
        if self._acl:
            file = self._folder / "users.acl"
            digest = sha256(PASSWORD.encode()).hexdigest()
            file.write_text(f"user {USER} on #{digest} {self._acl}\n", encoding="utf-8")
            command += ["--aclfile", str(file)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.admin().ping()
            except redis.ResponseError:
                return  # it answers, though not to just anybody
            except redis.ConnectionError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Redis did not start:\n{(self._folder / 'log').read_text()}") from None
                time.sleep(0.01)
            else:
                return

    def admin(self) -> Any:
        """Return redis-py's client, as the user nothing is refused to."""
        return redis.Redis(port=self.port)

    def pause(self) -> None:
        """Stop the process where it is: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process without a word; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
