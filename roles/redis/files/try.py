"""Have a Redis server judge a file: one of its own, beside the one that serves, on no port, and gone a moment later.

Arguments: the server's program, what the file is (settings or users), the file. The complaint is on standard error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time

USER = "redis"
SECONDS = 10
# The server says last what it ended over.
LINES = 4


def overrides(folder: str, settings: str) -> list[str]:
    """Keep the server away from ports, data and files of the one that serves."""
    apart = {"port": "0", "unixsocket": f"{folder}/socket", "dir": folder, "pidfile": f"{folder}/pid", "logfile": ""}
    apart |= {"daemonize": "no", "supervised": "no", "save": ""}
    if "tls-port" in settings:
        apart["tls-port"] = "0"
    return [part for name, value in apart.items() for part in (f"--{name}", value)]


def complaint(server: subprocess.Popen[bytes], folder: str) -> str:
    """Wait until the server listens; tell what it said when it ended instead."""
    deadline = time.monotonic() + SECONDS
    while server.poll() is None:
        if os.path.exists(f"{folder}/socket"):
            return ""
        if time.monotonic() > deadline:
            return f"the server does not listen within {SECONDS} seconds"
        time.sleep(0.05)
    with open(f"{folder}/output", encoding="utf-8", errors="replace") as said:
        return "\n".join(said.read().splitlines()[-LINES:]) or f"the server ended with status {server.returncode}"


def judge(program: str, kind: str, path: str) -> str:
    """Start a server with the file and stop it; return its complaint."""
    with open(path, encoding="utf-8", errors="replace") as file:
        content = file.read()
    with tempfile.TemporaryDirectory(prefix="hx-gateway-redis-") as folder:
        shutil.chown(folder, USER, USER)
        command = [program, path] if kind == "settings" else [program, "--aclfile", path]
        command += overrides(folder, content if kind == "settings" else "")
        with (
            open(f"{folder}/output", "wb") as output,
            subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=USER,
                group=USER,
                extra_groups=[],
            ) as server,
        ):
            try:
                return complaint(server, folder)
            finally:
                server.kill()


if __name__ == "__main__":
    # An empty text would be a status of 1.
    sys.exit(judge(*sys.argv[1:]) or 0)
