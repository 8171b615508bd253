"""The whole harness, as short as it can be, so that it cannot rot unnoticed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import nginx

from running import SOURCE, environment

PROJECT = Path(__file__).parents[2]


def test_every_part_runs_and_measures(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--check", "--contenders", "nginx", "gateway", "--json", str(file)],
        cwd=PROJECT,
        env=environment(PYTHONPATH=f"{SOURCE}:{PROJECT / 'tests'}"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    assert found["streams"]["gateway cpu_us"][0] > 0
    assert found["streams"]["gateway broken"] == [0]
    assert found["memory"]["aborted streams"]["served"] >= 100
    assert found["usage"]["middleware"][0] > 0
    if shutil.which("wrk") is not None:
        assert found["requests"]["gateway 4 cpu_us"][0] > 0
        assert found["memory"]["requests"]["served"] >= 200
        assert "server/exchange.py" in found["profile"]["rooms"]
    if shutil.which("cc") is not None:
        assert found["latency"]["gateway failed"] == [0]
        assert found["pauses"]["ticks"][0] > 0
        assert found["restarts"]["restarts"] == 1
        assert (found["restarts"]["refused"], found["restarts"]["cut"]) == (0, 0)
    if nginx.available():
        assert found["streams"]["nginx cpu_us"][0] > 0
