# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engines as the role lays them out, and one query engine running."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

from ansible_collections.hx.gateway.plugins.modules import npm_bundle
from ansible_collections.hx.gateway.tests.support.run_module import run_module

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "roles/litellm/files/prisma_wasm"
SCHEMA = Path(__file__).with_name("schema.prisma")


def install(folder: Path, cache: Path) -> Path:
    """Unpack the locked Node modules and put the engines beside them."""
    archive = cache / "engines-under-test.tar.gz"
    outcome = run_module(
        npm_bundle.main, lock=str(SOURCE / "package-lock.json"), dest=str(archive), cache_dir=str(cache / "npm")
    )
    assert not outcome.failed, outcome.text
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    with tarfile.open(archive) as modules:
        # Python 3.11.2, which Debian 12 has, knows no filters; the archive is the role's own
        modules.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        modules.extractall(folder)
    return folder


def node_path() -> str:
    """Name the Node.js to test with; HX_GATEWAY_NODE may hold another than the one in PATH."""
    node = os.environ.get("HX_GATEWAY_NODE") or shutil.which("node")
    if not node:
        raise RuntimeError("Node.js is missing; install Debian's package nodejs")
    return node


def environment(database_url: str, **more: str) -> dict[str, str]:
    """Give a process what it needs and nothing of the caller's."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "OPENSSL_CONF") if name in os.environ}
    path = f"{Path(node_path()).parent}:/usr/bin:/bin"
    return {**kept, "PATH": path, "DATABASE_URL": database_url, "PRISMA_DML_PATH": str(SCHEMA), **more}


class Answer(t.NamedTuple):
    """What the engine answered."""

    status: int
    body: t.Any

    @property
    def result(self) -> t.Any:
        """Return what the only field of the query got."""
        assert "errors" not in self.body, self.body
        return self.body["data"]["result"]

    @property
    def error(self) -> dict[str, t.Any]:
        """Return the only error."""
        (error,) = self.body["errors"]
        assert isinstance(error["user_facing_error"]["meta"], dict)
        return t.cast("dict[str, t.Any]", error["user_facing_error"])


class QueryEngine:
    """A query engine of its own, started the way prisma-client-py does."""

    def __init__(self, engines: Path, database_url: str, *arguments: str, **environ: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = engines.parent / f"engine-{self.port}.log"
        command: list[str | Path] = [engines / "query-engine", "-p", str(self.port)]
        command += ["--enable-metrics", "--enable-raw-queries", *arguments]
        environ.setdefault("PRISMA_WASM_RAW_ROWS", "objects")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment(database_url, **environ), stdout=log, stderr=log, cwd=engines.parent
            )

    def __enter__(self) -> t.Self:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                if self.request("GET", "/status").status == 200:
                    return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"the query engine did not start: {self.logged}")
            time.sleep(0.03)

    def __exit__(self, *_exception: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def logged(self) -> str:
        """Return what the engine wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def request(self, method: str, path: str, body: t.Any = None, **headers: str) -> Answer:
        """Send one request."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, text, kind = response.status, response.read(), response.headers.get_content_type()
        except urllib.error.HTTPError as error:
            status, text, kind = error.code, error.read(), error.headers.get_content_type()
        return Answer(status, json.loads(text) if kind == "application/json" else text.decode())

    def query(self, document: str, *, transaction: str | None = None, **variables: t.Any) -> Answer:
        """Run one query."""
        headers = {"X-transaction-id": transaction} if transaction else {}
        return self.request("POST", "/", {"query": document, "variables": variables}, **headers)

    def batch(self, *documents: str, transaction: bool = True) -> Answer:
        """Run several queries at once."""
        queries = [{"query": document, "variables": {}} for document in documents]
        return self.request("POST", "/", {"batch": queries, "transaction": transaction})

    def raw(self, sql: str, *parameters: t.Any, transaction: str | None = None, kind: str = "queryRaw") -> Answer:
        """Run SQL."""
        values = json.dumps(json.dumps(parameters))
        return self.query(
            f"mutation {{ result: {kind}(query: {json.dumps(sql)}, parameters: {values}) }}", transaction=transaction
        )

    def value(self, sql: str, *parameters: t.Any) -> tuple[str, t.Any]:
        """Run SQL that gives one value, and return its type and itself."""
        ((cell,),) = [list(row.values()) for row in self.raw(sql, *parameters).result]
        return cell["prisma__type"], cell["prisma__value"]

    def begin(self, **options: t.Any) -> str:
        """Start a transaction and return its number."""
        answer = self.request("POST", "/transaction/start", {"max_wait": 2000, "timeout": 5000, **options})
        assert answer.status == 200, answer
        return str(answer.body["id"])

    def finish(self, action: str, transaction: str) -> Answer:
        """Commit a transaction or roll it back."""
        return self.request("POST", f"/transaction/{transaction}/{action}")
