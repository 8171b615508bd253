# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration as a tar: files with their owners and modes, and the way back to exactly those."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import IO

from .errors import BackupError
from .parts import whole


def pack(paths: list[str], target: Path) -> None:
    """Write a tar of files and folders; what is not there is left out, and symbolic links stay links."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with whole(target), os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path in sorted(paths):
                if os.path.lexists(path):
                    tar.add(path, filter=_only_what_comes_back)
        file.flush()
        os.fsync(file.fileno())


def unpack(stream: IO[bytes], paths: list[str], base: Path = Path("/")) -> list[str]:
    """Put the files of a tar back to where they were, each replaced at once; nothing outside the paths is written."""
    written = []
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            name = f"/{member.name}"
            if ".." in Path(name).parts or not any(name == path or name.startswith(f"{path}/") for path in paths):
                raise BackupError(f"the configuration in the backup holds {name}, which is no part of a configuration")
            target = base / member.name
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                _dress(target, member)
            elif member.isfile():
                _replace(tar, member, target)
                written.append(name)
            elif member.issym():
                _relink(member, target)
                written.append(name)
            else:
                raise BackupError(f"the configuration in the backup holds {name}, which cannot be put back")
    return written


def bring_back(stream: IO[bytes], paths: list[str]) -> list[str]:
    """Put the files of a tar back and remove those it does not have from below the paths; returns the files written."""
    written = unpack(stream, paths)
    for path in map(Path, paths):
        for file in list(path.rglob("*")) if path.is_dir() else [path]:
            if (file.is_file() or file.is_symlink()) and str(file) not in written:
                file.unlink()
    return written


def _only_what_comes_back(member: tarfile.TarInfo) -> tarfile.TarInfo:
    if not (member.isfile() or member.isdir() or member.issym()):
        raise BackupError(f"/{member.name} is neither file, folder nor symbolic link (or a second name of a file)")
    return member


def _replace(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(member)
    if source is None:
        raise BackupError(f"the configuration in the backup lacks the contents of {member.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.restored")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with whole(beside):
        with os.fdopen(handle, "wb") as file:
            while chunk := source.read(1 << 20):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        _dress(beside, member)
        beside.replace(target)


def _relink(member: tarfile.TarInfo, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.symlink_to(member.linkname)


def _dress(path: Path, member: tarfile.TarInfo) -> None:
    if os.geteuid() == 0:
        os.chown(path, member.uid, member.gid)
    path.chmod(member.mode)
