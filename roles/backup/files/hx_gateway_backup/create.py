# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a backup: everything of one moment, complete only when its folder has its name."""

from __future__ import annotations

import os
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import archive, contents, encryption, manifest, server
from .errors import BackupError
from .settings import Settings, database_url, variable

PARTIAL = ".partial-"
DUMP, CONFIGURATION = "database.dump", "configuration.tar"
SLACK = 64 << 20


def create(settings: Settings) -> dict[str, Any]:
    """Make a backup, and remove those that are more than wanted; returns its name and what it holds."""
    now = datetime.now(UTC)
    identifier = now.strftime("%Y%m%dT%H%M%SZ")
    final = settings.directory / identifier
    if final.exists():
        raise BackupError(f"{final} is there already")
    for left in settings.directory.glob(f"{PARTIAL}*"):
        shutil.rmtree(left)
    folder = settings.directory / f"{PARTIAL}{identifier}"
    folder.mkdir(mode=0o700)
    try:
        database = _database(settings, folder)
        archive.pack(settings.configuration, folder / CONFIGURATION)
        parts = [path for path in sorted(folder.iterdir()) if path.is_file()]
        if settings.recipients:
            parts = [encryption.encrypt(path, settings.recipients) for path in parts]
        manifest.write(
            folder,
            {
                "format": manifest.FORMAT,
                "id": identifier,
                "created": now.isoformat(),
                "site": settings.site,
                "host": socket.gethostname(),
                "versions": {**_releases(settings), **database.pop("versions", {})},
                "database": database,
                "salt": manifest.salt_fingerprint(variable(settings.salt_file, "LITELLM_SALT_KEY")),
                "encryption": "age" if settings.recipients else "",
                "parts": {
                    path.name: {"size": path.stat().st_size, "sha256": manifest.file_digest(path)} for path in parts
                },
            },
        )
        folder.rename(final)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    made = {"backup": identifier, "folder": str(final), "parts": [path.name for path in parts]}
    return {**made, "removed": prune(settings)}


def names(directory: Path) -> list[str]:
    """Return the backups in a folder, oldest first."""
    if not directory.is_dir():
        return []
    return sorted(path.name for path in directory.iterdir() if manifest.IDENTIFIER.fullmatch(path.name))


def holds_database(backup: Path) -> bool:
    """Tell by its parts whether a backup has a database; nothing is read."""
    return any(backup.glob(f"{DUMP}*"))


def latest(directory: Path) -> str:
    """Return the newest backup that has a database, else the newest, or nothing where there is none."""
    there = names(directory)
    return next(reversed([name for name in there if holds_database(directory / name)] or there), "")


def prune(settings: Settings) -> list[str]:
    """Remove the oldest backups beyond those to keep; what is made while the database is away pushes out no dump."""
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for name in names(settings.directory):
        kinds[holds_database(settings.directory / name)].append(name)
    spare = sorted(name for kind in kinds.values() for name in kind[: -settings.keep])
    for name in spare:
        shutil.rmtree(settings.directory / name)
    return spare


def _database(settings: Settings, folder: Path) -> dict[str, Any]:
    """Dump the database and count it in the same snapshot, while it is in use."""
    url = database_url(settings)
    if not url:
        return {}
    origin, name = server.of_url(url)
    target = folder / DUMP
    with origin.connect(name) as connection, connection.cursor() as cursor:
        origin.require_client(connection)
        cursor.execute("SELECT pg_database_size(current_database())")
        require_space(settings.directory, cursor.fetchone()[0])
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(
            "SELECT pg_export_snapshot(), current_setting('server_version'), pg_get_userbyid(datdba)"
            " FROM pg_database WHERE datname = current_database()"
        )
        snapshot, version, owner = cursor.fetchone()
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        origin.run(
            *("pg_dump", "--format=custom", f"--snapshot={snapshot}", "--no-password"),
            f"--file={target}",
            f"--dbname={name}",
        )
        found = contents.tables(cursor)
        migration = contents.newest_migration(cursor)
        cursor.execute("COMMIT")
    return {
        "name": name,
        "owner": owner,
        "tables": found,
        "versions": {"postgresql": version, "migration": migration},
    }


def require_space(directory: Path, size: int) -> None:
    """Refuse to write a database of `size` bytes where it might not fit."""
    needed = size + SLACK
    there = shutil.disk_usage(directory).free
    if there < needed:
        raise BackupError(f"{directory} has {there >> 20} MiB free, and the database may need {needed >> 20} MiB")


def _releases(settings: Settings) -> dict[str, str]:
    return {name: Path(link).resolve().name for name, link in settings.releases.items() if Path(link).exists()}
