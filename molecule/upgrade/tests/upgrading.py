"""Runs of playbooks/upgrade.yml, and what is looked at afterwards."""

from __future__ import annotations

from checks.site import Run, play
from checks.stack import BASE
from testinfra.host import Host


def administrator(host: Host, statement: str, database: str = "hx_gateway") -> str:
    """Run a statement as the administrator, over the local socket."""
    return host.check_output("cd / && runuser -u postgres -- psql -XAtd %s -c %s", database, statement)


def release(host: Host) -> str:
    """The version of the release that `current` names."""
    return host.check_output(f"basename $(readlink {BASE}/litellm/current)").partition("-")[0]


def upgrade(*arguments: str, end_at: str = "") -> Run:
    """Run the playbook, or kill it as a task begins."""
    return play(*arguments, playbook="playbooks/upgrade.yml", end_at=end_at)


def migrations(host: Host, database: str = "hx_gateway") -> int:
    """How many migrations a database has."""
    return int(administrator(host, "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL", database))
