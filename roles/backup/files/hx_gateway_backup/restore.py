# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting a backup in the place of what runs, with a way back until the services have answered."""

from __future__ import annotations

import glob
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from . import archive, contents, create, encryption, manifest, services
from .errors import BackupError
from .scratch import Place, made
from .settings import Settings, database_url, variable


def drill(settings: Settings, folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """Restore into a scratch database, compare and remove it; the running one is not touched."""
    if found["database"]:
        with made(Place(settings), folder, found, settings.identity):
            pass
    _read_configuration(settings, folder, found)
    return {"backup": found["id"], "tables": len(found["database"].get("tables", {}))}


def restore(settings: Settings, folder: Path, found: dict[str, Any], *, configuration: bool) -> dict[str, Any]:
    """Restore what a backup holds and let the services prove it; what fails leaves all as it was."""
    stamp = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz")
    before = settings.directory / f"configuration-before-{stamp}.tar" if configuration else None
    if found["database"]:
        require_schema(settings, found)
        _require_salt(settings, found, configuration=configuration)
        return _swap(settings, folder, found, stamp, before)
    if database_url(settings):
        raise BackupError(
            f"{folder} holds no database, and {settings.database_file} names one (DATABASE_URL), which LiteLLM would "
            "lose. To have it serve without a database is what rollback_mode=dbless is for."
        )
    if not before:
        raise BackupError(f"{folder} holds no database, but a configuration: restore_configuration restores it.")
    return _replace_configuration(settings, folder, found, before)


def require_schema(settings: Settings, found: dict[str, Any]) -> None:
    """Refuse the database of a LiteLLM that is newer than the one in use, unless it runs on that schema now."""
    wanted = found["versions"].get("migration", "")
    known = {Path(file).parent.name for file in glob.glob(f"{settings.migrations}/*/migration.sql")}
    if not wanted or not known or wanted in known:
        return
    place = Place(settings)
    with place.server.connect(place.name) as connection, connection.cursor() as cursor:
        present = contents.newest_migration(cursor)
    if wanted > present:
        made_with = found["versions"].get("litellm", "")
        raise BackupError(
            f"backup {found['id']} has the schema of LiteLLM {made_with} (migration {wanted}), which is newer than the "
            "LiteLLM in use: bring that one up to date first (playbooks/upgrade.yml)."
        )


def _swap(settings: Settings, folder: Path, found: dict[str, Any], stamp: str, before: Path | None) -> dict[str, Any]:
    """Compare in a scratch database, then swap it in, with the configuration where that is to be replaced, too."""
    place = Place(settings)
    replaced = place.beside(f"before_restore_{stamp}")
    with made(place, folder, found, settings.identity) as copy, services.stopped(settings.services) as running:
        if before:
            archive.pack(settings.configuration, before)
        place.rename(place.name, replaced)
        try:
            place.rename(copy, place.name)
            if before:
                _configure(settings, folder, found)
            services.prove(settings, running, database=True)
        except BaseException as error:
            _go_back(settings, before, error, (place, replaced))
            raise BackupError(f"{error}. The database that was there before serves again.") from error
    return {"backup": found["id"], "replaced": replaced, "configuration": str(before or "")}


def _replace_configuration(settings: Settings, folder: Path, found: dict[str, Any], before: Path) -> dict[str, Any]:
    """Put the configuration back alone."""
    # What cannot be read stops nothing.
    _read_configuration(settings, folder, found)
    with services.stopped(settings.services) as running:
        archive.pack(settings.configuration, before)
        try:
            _configure(settings, folder, found)
            services.prove(settings, running, database=False)
        except BaseException as error:
            _go_back(settings, before, error)
            raise BackupError(f"{error}. The configuration that was there before serves again.") from error
    return {"backup": found["id"], "replaced": "", "configuration": str(before)}


def _configuration(found: dict[str, Any]) -> str:
    return create.CONFIGURATION + (encryption.SUFFIX if found["encryption"] else "")


def _read_configuration(settings: Settings, folder: Path, found: dict[str, Any]) -> None:
    with encryption.opened(folder / _configuration(found), settings.identity) as stream:
        while stream.read(manifest.CHUNK):
            pass


def _require_salt(settings: Settings, found: dict[str, Any], *, configuration: bool) -> None:
    present = manifest.salt_fingerprint(variable(settings.salt_file, "LITELLM_SALT_KEY"))
    if found["salt"] != present and not configuration:
        raise BackupError(
            f"backup {found['id']} was made with another LITELLM_SALT_KEY than {settings.salt_file} has: LiteLLM could "
            "not read its credentials. Restore the configuration, too (restore_configuration)."
        )


def _configure(settings: Settings, folder: Path, found: dict[str, Any]) -> None:
    with encryption.opened(folder / _configuration(found), settings.identity) as stream:
        _bring_back(settings, stream)


def _bring_back(settings: Settings, stream: IO[bytes]) -> None:
    archive.bring_back(stream, settings.configuration)
    if settings.services:
        services.reload_units()


def _go_back(
    settings: Settings, before: Path | None, why: BaseException, swapped: tuple[Place, str] | None = None
) -> None:
    """Put back what was there; where that fails, too, say what is kept under which name."""
    kept = [f"the database of before is {swapped[1]}, or has its own name again"] if swapped else []
    kept += [f"the configuration of before is {before}"] if before else []
    try:
        services.stop(settings.services)
        if swapped:
            place, replaced = swapped
            place.drop(place.name)
            place.rename(replaced, place.name)
        if before:
            with before.open("rb") as stream:
                _bring_back(settings, stream)
            before.unlink()
    except Exception as error:
        raise BackupError(f"{why}. Going back failed, too: {error}. Nothing is lost: {'; '.join(kept)}") from error
