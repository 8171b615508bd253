# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.support.postgres import PASSWORD, Database, free_port
from ansible_collections.hx.gateway.tests.prisma_wasm.conftest import url_of
from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import QueryEngine, environment, node_path

PARENT = """
import subprocess, sys, time
print(subprocess.Popen(sys.argv[1:]).pid, flush=True)
time.sleep(60)
"""


def run(engines: Path, *arguments: str, name: str = "query-engine", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run an engine to its end."""
    given = environment(environ.pop("database_url", ""), **environ)
    return subprocess.run(
        [engines / name, *arguments], env=given, capture_output=True, text=True, timeout=20, check=False
    )


def message(outcome: subprocess.CompletedProcess[str]) -> str:
    """Return the message of the one line that was logged."""
    (line,) = outcome.stderr.splitlines()
    return str(json.loads(line)["fields"]["message"])


def test_versions(engines: Path) -> None:
    assert run(engines, "--version").stdout == "query-engine 393aa359c9ad4a4bb28630fb5613f9c281cde053\n"
    assert run(engines, "--version", name="schema-engine").stdout.startswith("schema-engine-cli ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--prot", "1"], "argument 1 is not known"),
        (["4000"], "argument 1 is not known"),
        (["-p"], "-p needs a value"),
        (["-p", "none"], "-p must be a port from 1 to 65535"),
        (["--port=70000"], "--port must be a port from 1 to 65535"),
        (["-p", "4000", "--port", "4001"], "--port is given twice"),
        (["--enable-metrics=yes"], "--enable-metrics takes no value"),
        (["--engine-protocol", "json"], "only the graphql engine protocol is spoken here"),
    ],
)
def test_arguments_are_read_strictly(engines: Path, arguments: list[str], problem: str) -> None:
    outcome = run(engines, *arguments)
    assert (outcome.returncode, message(outcome), outcome.stdout) == (2, problem, "")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "Environment variable not found: DATABASE_URL."),
        ("mysql://localhost/database", "the database URL must start with postgresql:// or postgres://"),
        ("postgresql://user:pass#word@host:1/d", "the database URL cannot be parsed"),
        ("postgresql://user:p%zz-secret@host/d", "the password in the database URL is not percent-encoded correctly"),
        ("postgresql://u:secret@h/d?connection_limit=0", "connection_limit in the database URL must be a whole number"),
        ("postgresql://u:secret@h/d?pool_timeout=soon", "pool_timeout in the database URL must be a whole number"),
        ("postgresql://u:secret@h/d?sslmode=sometimes", "sslmode in the database URL must be one of disable, "),
        ("postgresql://u:secret@h/d?sslmode=require&sslaccept=most", "sslaccept in the database URL must be strict or"),
        ("postgresql://u:secret@h/d?sslmode=verify-full&sslrootcert=/no/such", "/no/such cannot be read (ENOENT)"),
    ],
)
def test_a_url_that_cannot_work_stops_the_start(engines: Path, url: str, problem: str) -> None:
    outcome = run(engines, "-p", "1", database_url=url)
    assert outcome.returncode == 1
    assert problem in message(outcome)
    assert "secret" not in outcome.stderr
    assert "word" not in outcome.stderr.replace("password", "")


def test_a_port_that_is_taken(engines: Path, engine: QueryEngine, shared_database: Database) -> None:
    outcome = run(engines, "-p", str(engine.port), database_url=url_of(shared_database))
    assert outcome.returncode == 1
    assert "EADDRINUSE" in message(outcome)


def test_it_listens_on_this_machine_only(engine: QueryEngine) -> None:
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{engine.port}"], capture_output=True, text=True, check=True)
    assert [line.split()[3] for line in listening.stdout.splitlines()] == [f"127.0.0.1:{engine.port}"]


def test_the_name_litellm_knows_it_by(engine: QueryEngine) -> None:
    assert Path(f"/proc/{engine.process.pid}/comm").read_text(encoding="utf-8").startswith("query-engine")
    assert Path(f"/proc/{engine.process.pid}/cmdline").read_bytes().strip(b"\0") == b"query-engine"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_at_once(engines: Path, database: Database, signum: signal.Signals) -> None:
    with QueryEngine(engines, url_of(database)) as engine:
        assert engine.value("SELECT 1") == ("int", 1)
        engine.process.send_signal(signum)
        assert engine.process.wait(timeout=3) == 0


def test_it_does_not_outlive_its_parent(engines: Path, database: Database) -> None:
    command = [sys.executable, "-c", PARENT, str(engines / "query-engine"), "-p", str(free_port())]
    with subprocess.Popen(command, env=environment(url_of(database)), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        engine = int(parent.stdout.readline())
        time.sleep(1)
        assert alive(engine)
        parent.kill()
    deadline = time.monotonic() + 4
    while alive(engine) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(engine)


def alive(process: int) -> bool:
    """Tell whether a process runs; one that nobody waits for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_password_in_what_it_writes(engines: Path, database: Database) -> None:
    with QueryEngine(engines, url_of(database), "--log-queries") as engine:
        engine.raw(f"SELECT $1::text, '{PASSWORD}'::text", PASSWORD)
        engine.query("query { result: findManyItem { name } }")
        process = engine.process.pid
        assert PASSWORD.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
        assert "SELECT" in engine.logged
        assert PASSWORD not in engine.logged
        assert urllib.parse.quote(PASSWORD, safe="") not in engine.logged


def test_the_parts_that_need_no_database(engines: Path) -> None:
    tests = sorted(str(test) for test in Path(__file__).with_name("unit").glob("*.test.js"))
    given = {**environment("", HX_GATEWAY_ENGINES=str(engines)), "HOME": os.environ.get("HOME", "/")}
    outcome = subprocess.run([node_path(), "--test", *tests], env=given, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
