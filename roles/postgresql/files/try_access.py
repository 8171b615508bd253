"""Have a PostgreSQL server judge a pg_hba.conf: an empty one of its own, on no port, and gone a moment later.

Arguments: the folder of the server's programs, the file. The complaint is on standard error.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile

USER = "postgres"


def run(folder: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of the server's programs as the server's user."""
    return subprocess.run(
        command,
        cwd=folder,
        user=USER,
        group=USER,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def judge(programs: str, path: str) -> str:
    """Start a server with the file and stop it; return its complaint."""
    with tempfile.TemporaryDirectory(prefix="hx-gateway-postgresql-") as folder:
        shutil.chown(folder, USER, USER)
        data, log = f"{folder}/data", f"{folder}/log"
        made = run(folder, f"{programs}/initdb", "--pgdata", data, "--auth=peer", "--no-sync", "--username", USER)
        if made.returncode != 0:
            return made.stdout
        settings = {"hba_file": path, "listen_addresses": "", "unix_socket_directories": folder}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        control = (f"{programs}/pg_ctl", "--pgdata", data, "--wait")
        started = run(folder, *control, "--log", log, "--options", options, "start")
        if started.returncode == 0:
            run(folder, *control, "--mode", "immediate", "stop")
            return ""
        with open(log, encoding="utf-8", errors="replace") as said:
            return said.read()


if __name__ == "__main__":
    # An empty text would be a status of 1.
    sys.exit(judge(*sys.argv[1:]) or 0)
