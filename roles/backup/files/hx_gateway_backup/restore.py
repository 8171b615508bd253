# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting a backup in the place of the running database, with a way back until the services have answered."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg2 import sql

from . import archive, create, encryption, manifest
from .errors import BackupError
from .scratch import Place, made
from .settings import Settings, variable


def drill(settings: Settings, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """Restore into a scratch database, compare and remove it; the running one is not touched."""
    if found["database"]:
        with made(Place(settings), folder, found, settings.identity):
            pass
    with encryption.opened(folder / _configuration(found), settings.identity) as stream:
        while stream.read(manifest.CHUNK):
            pass
    return {"backup": found["id"], "tables": len(found["database"].get("tables", {}))}


def restore(settings: Settings, folder: Path, found: dict[str, Any], *, configuration: bool) -> dict[str, Any]:
    """Compare in a scratch database, then swap it in and let the services prove it; what fails leaves all as it was."""
    if not found["database"]:
        raise BackupError(f"{folder} holds no database")
    _require_salt(settings, found, configuration=configuration)
    stamp = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz")
    place = Place(settings)
    replaced = place.beside(f"before_restore_{stamp}")
    before = settings.directory / f"configuration-before-{stamp}.tar" if configuration else None
    with made(place, folder, found, settings.identity) as copy, _stopped(settings.services) as running:
        if before:
            archive.pack(settings.configuration, before)
        place.rename(place.name, replaced)
        try:
            place.rename(copy, place.name)
            if configuration:
                with encryption.opened(folder / _configuration(found), settings.identity) as stream:
                    _configure(settings, stream)
            _start(settings, running)
        except BaseException as error:
            _back(settings, place, replaced, before, error)
            raise BackupError(f"{error}. The database that was there before serves again.") from error
    return {"backup": found["id"], "replaced": replaced, "configuration": str(before or "")}


def _configuration(found: dict[str, Any]) -> str:
    return create.CONFIGURATION + (encryption.SUFFIX if found["encryption"] else "")


def _require_salt(settings: Settings, found: dict[str, Any], *, configuration: bool) -> None:
    present = manifest.salt_fingerprint(variable(settings.salt_file, "LITELLM_SALT_KEY"))
    if found["salt"] != present and not configuration:
        raise BackupError(
            f"backup {found['id']} was made with another LITELLM_SALT_KEY than {settings.salt_file} has: LiteLLM could "
            "not read its credentials. Restore the configuration, too (restore_configuration)."
        )


def _configure(settings: Settings, stream: Any) -> None:
    archive.bring_back(stream, settings.configuration)
    if settings.services:
        _systemctl("daemon-reload")


def _back(settings: Settings, place: Place, replaced: str, before: Path | None, why: BaseException) -> None:
    """Put back what was there; where that fails, too, say what is kept under which name."""
    try:
        _stop(settings.services)
        place.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(place.name)))
        place.rename(replaced, place.name)
        if before:
            with before.open("rb") as stream:
                _configure(settings, stream)
            before.unlink()
    except Exception as error:
        kept = f"the database of before is {replaced}, or has its own name again"
        files = f"; the configuration of before is {before}" if before else ""
        raise BackupError(f"{why}. Going back failed, too: {error}. Nothing is lost: {kept}{files}") from error


@contextmanager
def _stopped(services: list[str]) -> Iterator[list[str]]:
    """Stop the services that run; whatever happens, those run again at the end."""
    running = [one for one in services if _systemctl("is-active", "--quiet", one, must=False) == 0]
    _stop(services)
    try:
        yield running
    finally:
        for one in running:
            _systemctl("start", one, must=False)


def _stop(services: list[str]) -> None:
    for one in reversed(services):
        _systemctl("stop", one)


def _start(settings: Settings, running: list[str]) -> None:
    """Start the services that ran, in their order; where all of them did, each gate must answer as expected."""
    for one in running:
        _systemctl("start", one)
    if running != settings.services:
        return
    deadline = time.monotonic() + settings.gate_timeout
    for gate in settings.gates:
        while reason := _refusal(gate):
            if time.monotonic() > deadline:
                raise BackupError(f"{gate['url']} does not answer as expected after the restore: {reason}")
            time.sleep(1)


def _refusal(gate: dict[str, Any]) -> str:
    try:
        with urllib.request.urlopen(gate["url"], timeout=5) as answer:  # noqa: S310  settings take http alone
            body = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError) as error:
        return str(error)
    return "" if {**body, **gate["expect"]} == body else json.dumps(body)[:500]


def _systemctl(*words: str, must: bool = True) -> int:
    done = subprocess.run(["systemctl", *words], capture_output=True, check=False)
    if must and done.returncode:
        raise BackupError(f"systemctl {' '.join(words)} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.returncode
