# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command: backups, and the configuration set aside. Prints JSON; a refusal goes to standard error, status 1."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import access, create, keeping, lock, manifest, restore
from .errors import BackupError
from .settings import Settings, read

WITHOUT_A_BACKUP: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "access": access.require,
    "create": create.create,
    "keep": keeping.keep,
    "seal": keeping.seal,
    "may-put-back": keeping.may_put_back,
    "put-back": keeping.put_back,
}


def arguments(words: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="hx-gateway-backup", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="file the role wrote")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("access", help="refuse where a restore would have no way into the database's server")
    commands.add_parser("create", help="make a backup")
    commands.add_parser("list", help="name the backups that are there")
    commands.add_parser("keep", help="set the configuration aside")
    commands.add_parser("seal", help="remember the state that came after")
    commands.add_parser("may-put-back", help="refuse what put-back would refuse, and change nothing")
    commands.add_parser("put-back", help="put back the configuration that was set aside")
    for name, text in (
        ("check", "judge a backup by its manifest"),
        ("drill", "restore into a scratch database, compare, and remove it"),
        ("restore", "put a backup in the place of the running database"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("backup", help="its name, its folder, or latest: with a database, if one has")
        command.add_argument("--foreign", action="store_true", help="allow a backup of another site")
        command.add_argument("--identity", default="", help="file with the private key of age")
        if name == "restore":
            command.add_argument("--configuration", action="store_true", help="restore the configuration, too")
    return parser.parse_args(words)


def run(asked: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """Do what was asked."""
    if asked.command == "list":
        return {"backups": create.names(settings.directory)}
    with lock.held(settings.directory):
        if asked.command in WITHOUT_A_BACKUP:
            return WITHOUT_A_BACKUP[asked.command](settings)
        settings = replace(settings, identity=asked.identity or settings.identity)
        folder = _folder(settings, asked.backup)
        found = manifest.read(folder, settings.site, foreign=asked.foreign)
        if found["database"]:
            access.require(settings)
        if asked.command == "check":
            if found["database"]:
                restore.require_schema(settings, found)
            return {"backup": found["id"], "parts": sorted(found["parts"]), "versions": found["versions"]}
        if asked.command == "drill":
            return restore.drill(settings, folder, found)
        return restore.restore(settings, folder, found, configuration=asked.configuration)


def _folder(settings: Settings, asked: str) -> Path:
    if asked.startswith("/"):
        return Path(asked)
    there = create.names(settings.directory)
    if asked == "latest" and there:
        return settings.directory / create.latest(settings.directory)
    if asked not in there:
        known = ", ".join(there) or "none"
        raise BackupError(f"{settings.directory} has no backup {asked}; it has: {known}")
    return settings.directory / asked


def main() -> int:
    """Run the command line; every file made is root's alone."""
    os.umask(0o077)
    asked = arguments(sys.argv[1:])
    try:
        done = run(asked, read(asked.settings))
    except (BackupError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{json.dumps(done)}\n")
    return 0
