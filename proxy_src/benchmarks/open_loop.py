"""Load at a fixed rate by open_loop.c, for latencies that hide nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import LOAD_CORE
from benchmarks.traffic import body, request

_SOURCE = Path(__file__).with_name("open_loop.c")


@dataclass(frozen=True)
class Open:
    """What a run showed; latencies in microseconds from the moment a request was due."""

    due: int
    done: int
    refused: int
    """No connection could be made."""
    cut: int
    """The connection ended with a request on it."""
    idle_closed: int
    """Connections that ended while nothing was asked on them."""
    bad_status: int
    unanswered: int
    p50: float
    p99: float
    max: float

    @property
    def failed(self) -> int:
        """Requests without a good answer."""
        return self.due - self.done


def available() -> bool:
    """Say whether there is a C compiler."""
    return shutil.which("cc") is not None


def build(folder: Path) -> Path:
    """Compile the generator into `folder`."""
    program = folder / "open_loop"
    if not program.exists():
        subprocess.run(["cc", "-O2", "-o", str(program), str(_SOURCE)], check=True)
    return program


def load(folder: Path, port: int, rate: float, seconds: float, *, connections: int = 64, same: bool = False) -> Open:
    """Send `rate` requests a second for `seconds`, each unlike all others unless `same`."""
    return json_result(start(folder, port, rate, seconds, connections=connections, same=same))


def start(
    folder: Path, port: int, rate: float, seconds: float, *, connections: int = 64, same: bool = False
) -> subprocess.Popen[bytes]:
    """Begin such a load; `json_result` waits for its end."""
    file = folder / "open_loop.request"
    mark = "same" if same else f"{_nonce()}-@@@@@@@@"
    file.write_bytes(request(body(mark).encode()))
    return subprocess.Popen(
        [
            *("taskset", "-c", str(LOAD_CORE), str(build(folder)), str(port)),
            *(str(rate), str(seconds), str(connections), str(file)),
        ],
        stdout=subprocess.PIPE,
    )


def json_result(process: subprocess.Popen[bytes]) -> Open:
    """Wait for a load to end and return what it showed."""
    out, _ = process.communicate(timeout=600)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Open(**json.loads(out))


def _nonce() -> str:
    with Path("/proc/sys/kernel/random/uuid").open() as file:
        return file.read().strip()
