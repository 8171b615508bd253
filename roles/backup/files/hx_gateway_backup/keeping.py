# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration set aside for a while, and put back exactly as it was unless somebody has changed it meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from . import archive, manifest
from .errors import BackupError
from .parts import whole
from .settings import Settings, database_url

TAR, NOTE = "kept.tar", "kept.json"
KEYS = {"sha256", "database", "before", "after", "phase"}

# How far the change is for which the configuration was set aside; one that was cut off is in the first or the last.
GOING, THERE, RETURNING = "going", "there", "returning"


def keep(settings: Settings) -> dict[str, Any]:
    """Set the configuration aside, unless what an earlier run has set aside is still what a way back wants.

    Tells as well whether there was no database before: a change that fails has none to bring back then.
    """
    note, tar = settings.directory / NOTE, settings.directory / TAR
    without = not database_url(settings)
    if note.exists() and _stays(settings, found := _read(settings)):
        if found["phase"] == THERE:
            _write(note, {**found, "phase": GOING})
        return {"changed": False, "kept": str(tar), "without_database": without and bool(found["after"])}
    note.unlink(missing_ok=True)
    tar.unlink(missing_ok=True)
    archive.pack(settings.configuration, tar)
    with whole(tar):
        about = {"sha256": manifest.file_digest(tar), "database": manifest.file_digest(settings.database_file)}
        _write(note, {**about, "before": _state(settings.configuration), "after": "", "phase": GOING})
    return {"changed": True, "kept": str(tar), "without_database": without}


def seal(settings: Settings) -> dict[str, Any]:
    """Remember the state that came after, so that a change by somebody else is noticed."""
    found = _read(settings)
    state = _state(settings.configuration)
    if (found["phase"], found["after"]) != (THERE, state):
        _write(settings.directory / NOTE, {**found, "phase": THERE, "after": state})
    return {"changed": found["after"] != state}


def may_put_back(settings: Settings) -> dict[str, Any]:
    """Refuse what `put_back` would refuse, and change nothing."""
    _judged(settings)
    return {"changed": False}


def put_back(settings: Settings) -> dict[str, Any]:
    """Put the configuration back, and forget that it was set aside."""
    found = _judged(settings)
    if found is None:
        return {"changed": False, "files": []}
    # What is as it was is not written again, which would be a reason to restart what reads it.
    written = _bring_back(settings, found) if _state(settings.configuration) != found["before"] else []
    (settings.directory / NOTE).unlink()
    (settings.directory / TAR).unlink()
    return {"changed": bool(written), "files": written}


def _judged(settings: Settings) -> dict[str, Any] | None:
    """Return the note of what may be put back, or None if it has been."""
    # A run that was cut off may have put it back before, on one host of several.
    if not (settings.directory / NOTE).exists() and database_url(settings):
        return None
    found = _read(settings)
    tar = settings.directory / TAR
    if not _is_whole(tar, found):
        raise BackupError(f"{tar} is not what was set aside: its SHA-256 does not fit")
    if found["phase"] == THERE and found["after"] != _state(settings.configuration):
        raise BackupError(
            f"the configuration in {settings.configuration[0]} has been changed since it was set aside: what is in "
            f"{tar} would overwrite that. Remove {settings.directory / NOTE} to keep the present one."
        )
    return found


def _bring_back(settings: Settings, found: dict[str, Any]) -> list[str]:
    # A run that is cut short from here on may begin again.
    _write(settings.directory / NOTE, {**found, "phase": RETURNING, "after": ""})
    tar = settings.directory / TAR
    with tar.open("rb") as stream:
        written = archive.bring_back(stream, settings.configuration)
    if _state(settings.configuration) != found["before"]:
        raise BackupError(f"what was put back from {tar} is not what was there before")
    return written


def _stays(settings: Settings, found: dict[str, Any]) -> bool:
    """Tell whether what was set aside earlier is what a way back wants; refuse where that cannot be told."""
    state = _state(settings.configuration)
    # What has its database in force is the state to come back to, whatever an earlier run has left.
    if database_url(settings):
        if found["before"] == state:
            return not found["after"] and _is_whole(settings.directory / TAR, found)
        return _is_mixture(settings, found)
    # Sealed again, the older set would pass for the present state, and the way back would lose that one.
    if found["phase"] == THERE and found["after"] != state:
        raise BackupError(
            f"the configuration in {settings.configuration[0]} has been changed since it was set aside in "
            f"{settings.directory / TAR}. Remove {settings.directory / NOTE} to set the present one aside instead."
        )
    # A run that was cut short has set aside the older state.
    return True


def _is_mixture(settings: Settings, found: dict[str, Any]) -> bool:
    """Tell whether a change that failed, or a way back that was cut off, has left parts of before beside others.

    With another file of the database somebody else has brought the database back, with a login of today.
    """
    ours = found["database"] == manifest.file_digest(settings.database_file)
    return ours and (found["phase"] == RETURNING or not settings.database_unit.exists())


def _is_whole(tar: Path, found: dict[str, Any]) -> bool:
    return tar.is_file() and bool(manifest.file_digest(tar) == found["sha256"])


def _read(settings: Settings) -> dict[str, Any]:
    note = settings.directory / NOTE
    try:
        found = dict(json.loads(note.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise BackupError(f"nothing has been set aside in {settings.directory}") from error
    except ValueError as error:
        raise BackupError(f"{note} cannot be read: {error}") from error
    if lacking := KEYS - set(found):
        raise BackupError(f"{note} lacks {', '.join(sorted(lacking))}: another version of this program has written it")
    return found


def _write(note: Path, found: dict[str, str]) -> None:
    beside = note.with_name(f".{note.name}")
    with whole(beside):
        beside.write_text(json.dumps(found), encoding="utf-8")
        beside.replace(note)


def _state(paths: list[str]) -> str:
    """Return a digest of names, modes, owners and contents of all files and folders."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        found = Path(path)
        inside = sorted(found.rglob("*")) if found.is_dir() else []
        for one in [found, *inside]:
            if not os.path.lexists(one):
                continue
            facts = one.lstat()
            content = manifest.file_digest(one) if one.is_file() and not one.is_symlink() else ""
            digest.update(f"{one}\0{facts.st_mode}\0{facts.st_uid}\0{facts.st_gid}\0{content}\n".encode())
    return digest.hexdigest()
