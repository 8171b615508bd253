# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: what a backup consists of, and the proof that it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from .errors import BackupError

FORMAT = 1
NAME = "manifest.json"
IDENTIFIER = re.compile(r"\d{8}T\d{6}Z")
KEYS = {"format", "id", "created", "site", "host", "versions", "database", "salt", "encryption", "parts", "digest"}
CHUNK = 1 << 20


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def salt_fingerprint(salt: str) -> str:
    """Return what tells one salt from another and does not tell the salt; scrypt (RFC 7914) makes guessing dear."""
    if not salt:
        return ""
    return hashlib.scrypt(salt.encode(), salt=b"hx.gateway backup", n=2**14, r=8, p=1, dklen=16).hex()


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest with its own digest, readable by root alone."""
    text = json.dumps({**manifest, "digest": _digest(manifest)}, indent=2, sort_keys=True) + "\n"
    handle = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path, site: str, *, foreign: bool = False) -> dict[str, Any]:
    """Read a manifest and judge the whole backup by it, before anything is done with it."""
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is no complete backup: it has no {NAME}") from error
    except (OSError, ValueError) as error:
        raise BackupError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise BackupError(f"{path} is not a manifest of hx.gateway")
    if found["format"] > FORMAT:
        raise BackupError(f"{path} has format {found['format']}, and this program knows up to {FORMAT}: it is newer")
    if set(found) != KEYS or found["digest"] != _digest({key: found[key] for key in KEYS - {"digest"}}):
        raise BackupError(f"{path} has been changed or damaged: its digest does not fit")
    if found["site"] != site and not foreign:
        raise BackupError(f"{folder} is a backup of {found['site']} and not of {site}: allow it with restore_foreign")
    _judge_parts(folder, found["parts"])
    return found


def _judge_parts(folder: Path, parts: dict[str, dict[str, Any]]) -> None:
    for name, part in parts.items():
        path = folder / name
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise BackupError(f"{folder} lacks its part {name}")
        if (size := path.stat().st_size) != part["size"]:
            raise BackupError(f"{path} has {size} bytes instead of {part['size']}: it is truncated or was changed")
        if file_digest(path) != part["sha256"]:
            raise BackupError(f"{path} is corrupt: its SHA-256 does not fit")


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
