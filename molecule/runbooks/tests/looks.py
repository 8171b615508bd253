"""What the tests of this scenario look at and break on the host."""

from __future__ import annotations

from checks.stack import BASE
from testinfra.host import Host

BACKUPS = "/var/backups/hx-gateway"


def current(host: Host, component: str) -> str:
    """The release of a component that serves."""
    return str(host.check_output(f"basename $(readlink {BASE}/{component}/current)"))


def backups(host: Host) -> list[str]:
    """The backups' names, the oldest first."""
    return sorted(name for name in host.file(BACKUPS).listdir() if name.endswith("Z"))


def psql(host: Host, statement: str, database: str = "postgres") -> list[str]:
    """Run a statement as the server's administrator; return its rows."""
    return list(
        host.check_output("cd / && runuser -u postgres -- psql -qAtd %s -c %s", database, statement).splitlines()
    )


def lose_keys(host: Host) -> None:
    """Remove all virtual keys from the database."""
    psql(host, 'DELETE FROM "LiteLLM_VerificationToken"', "hx_gateway")
