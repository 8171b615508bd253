# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role tells the program, read from a JSON file that is root's alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import BackupError


@dataclass(frozen=True)
class Settings:
    """Where things are on this host."""

    directory: Path
    """Folder of the backups."""
    site: str
    """Name of the deployment; a backup of another one is foreign."""
    keep: int
    """How many backups stay of those with a database, and of those without."""
    configuration: list[str]
    """Files and folders that belong to the configuration."""
    salt_file: Path
    """Environment file with LITELLM_SALT_KEY."""
    database_file: Path
    """Environment file with DATABASE_URL; without that line there is no database to save."""
    migrations: str
    """Pattern of the folders with the migrations of the LiteLLM in use; empty to take a backup of any."""
    database_unit: Path
    """Unit that there is only where the deployment has its database."""
    services: list[str]
    """Units that use the database, in the order in which they start."""
    releases: dict[str, str]
    """Links to the releases in use, by component."""
    gates: list[dict[str, Any]]
    """URLs that must answer 200 after a restore, each with what its JSON must contain, with a database and without."""
    gate_timeout: int
    """Seconds the gates may take."""
    recipients: list[str]
    """Public keys of age for which the parts are encrypted; none leaves them readable."""
    identity: str
    """File with the private key of age, for what was encrypted."""
    admin_user: str
    """Login role that may create and rename databases."""
    admin_password: str = field(repr=False)
    """Its password; empty to come in as the system user of that name through the server's socket."""


def read(path: Path) -> Settings:
    """Read and check the settings; a missing or unknown key is named."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackupError(f"{path}: cannot be read: {error}") from error
    known = {one.name for one in fields(Settings)}
    for problem, names in (("unknown", set(found) - known), ("missing", known - set(found))):
        if names:
            raise BackupError(f"{path}: {problem} key {', '.join(sorted(names))}")
    if found["keep"] < 1:
        raise BackupError(f"{path}: keep must be at least 1")
    for gate in found["gates"]:
        if not gate["url"].startswith(("http://", "https://")):
            raise BackupError(f"{path}: gates: {gate['url']} is no http URL")
    paths = {name: Path(found[name]) for name in ("directory", "salt_file", "database_file", "database_unit")}
    return Settings(**{**found, **paths})


def variable(path: Path, name: str) -> str:
    """Return a variable of an environment file as systemd reads it, or nothing where it is not there."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BackupError(f"{path}: cannot be read: {error.strerror}") from error
    for line in lines:
        key, separator, value = line.partition("=")
        if separator and key.strip() == name:
            return _unquoted(value.strip())
    return ""


def database_url(settings: Settings) -> str:
    """Return DATABASE_URL, or nothing where the deployment has no database."""
    return variable(settings.database_file, "DATABASE_URL")


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    plain, escaped = [], False
    for sign in value[1:-1]:
        if sign == "\\" and not escaped:
            escaped = True
            continue
        plain.append(sign)
        escaped = False
    return "".join(plain)
