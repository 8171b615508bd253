"""Load by wrk: so many connections, each sending its next request when it has its answer."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.processes import LOAD_CORE
from benchmarks.traffic import KEY, PATH, body

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.processes import Server

_SCRIPT = """
local run, sent = "0", 0
local head = {["Authorization"] = "Bearer %s", ["Content-Type"] = "application/json"}
function init(args) run = args[1] end
function request()
    sent = sent + 1
    return wrk.format("POST", "%s", head, %s)
end
function done(summary, latency)
    local e = summary.errors
    local shape = '{"requests": %%d, "seconds": %%f, "broken": %%d, "refused": %%d, "p50": %%d, "p99": %%d}'
    io.write("\\nJSON", string.format(shape, summary.requests, summary.duration / 1e6,
        e.connect + e.read + e.write + e.timeout, e.status,
        latency:percentile(50), latency:percentile(99)))
end
"""

_runs = itertools.count(1)


@dataclass(frozen=True)
class Closed:
    """What a run of wrk showed."""

    requests: int
    seconds: float
    cpu: float
    """Seconds of CPU time of the contender."""
    p50: int
    """Microseconds."""
    p99: int
    failed: int
    """Answers other than 2xx and 3xx, broken connections and timeouts."""

    @property
    def cpu_us(self) -> float:
        """Microseconds of the contender's CPU time a request."""
        return self.cpu / self.requests * 1e6 if self.requests else float("inf")


def available() -> bool:
    """Say whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(folder: Path, server: Server, connections: int, seconds: float, *, same: bool) -> Closed:
    """Load `server`; `same` sends the same body again and again, else each is unlike all others."""
    text = body("same") if same else body("@")
    left, _, right = text.partition("@")
    said = f"[[{text}]]" if same else f"[[{left}]] .. run .. '-' .. sent .. [[{right}]]"
    script = folder / ("same.lua" if same else "each.lua")
    script.write_text(_SCRIPT % (KEY, PATH, said))
    before = server.cpu()
    done = subprocess.run(
        [
            *("taskset", "-c", str(LOAD_CORE), "wrk", "-t", "1", "-c", str(connections)),
            *("-d", f"{max(1, round(seconds))}s", "--timeout", "60s", "-s", str(script)),
            *(f"http://127.0.0.1:{server.port}", "--", str(next(_runs))),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    cpu = server.cpu() - before
    said = done.stdout.partition("JSON")[2]
    result = json.loads(said)
    return Closed(
        result["requests"],
        result["seconds"],
        cpu,
        result["p50"],
        result["p99"],
        result["broken"] + result["refused"],
    )
