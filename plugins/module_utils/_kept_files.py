# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import json
import os
import shutil
import stat
import typing as t
from dataclasses import dataclass, field


class KeptError(Exception):
    """A file cannot be kept or put back."""


@dataclass(frozen=True)
class Content:
    """A file as it is: what is in it, and whose it is."""

    data: bytes
    mode: int
    uid: int
    gid: int
    # Put back with the file, since it tells what a process has read. It makes no difference between two files.
    modified_ns: int = field(default=0, compare=False)


def read(path: str) -> Content | None:
    """Read a file; None when there is none. A link is refused: what it points to is not ours to keep or replace."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeptError(f"cannot read {path}: {error.strerror}") from error
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise KeptError(f"{path} is not a regular file")
    with open(handle, "rb") as file:
        return Content(file.read(), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, about.st_mtime_ns)


def write(path: str, content: Content) -> None:
    """Replace a file in one step, readable by nobody else before it is its owner's."""
    beside = f"{path}.hx-part"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(content.data)
            os.fchown(handle, content.uid, content.gid)
            os.fchmod(handle, content.mode)
            file.flush()
            os.fsync(handle)
            if content.modified_ns:
                os.utime(handle, ns=(content.modified_ns, content.modified_ns))
        os.replace(beside, path)
    except OSError as error:
        os.unlink(beside)
        raise OSError(error.errno, error.strerror, path) from error


class KeptFiles:
    """Copies of files in a folder that only root can enter: manifest.json, and a numbered file for each."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def load(self) -> dict[str, Content | None]:
        """Return what is kept; nothing when the folder is not there or was not finished."""
        try:
            with open(os.path.join(self.folder, "manifest.json"), encoding="utf-8") as file:
                entries: list[dict[str, t.Any]] = json.load(file)
        except FileNotFoundError:
            return {}
        return {entry["path"]: self._content(number, entry) for number, entry in enumerate(entries)}

    def _content(self, number: int, entry: dict[str, t.Any]) -> Content | None:
        if entry["mode"] is None:
            return None
        kept = read(os.path.join(self.folder, str(number)))
        if kept is None:
            raise KeptError(f"{self.folder} has lost its copy of {entry['path']}")
        return Content(kept.data, entry["mode"], entry["uid"], entry["gid"], entry["modified_ns"])

    def save(self, contents: dict[str, Content | None]) -> None:
        """Replace what is kept; the folder is put in place as a whole, and the one around it keeps its times."""
        around = os.path.dirname(self.folder)
        about_around = os.stat(around)
        part = f"{self.folder}.part"
        shutil.rmtree(part, ignore_errors=True)
        os.mkdir(part, 0o700)
        try:
            self._fill(part, contents)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            raise
        shutil.rmtree(self.folder, ignore_errors=True)
        os.rename(part, self.folder)
        # A release that is younger than its process means a restart.
        os.utime(around, ns=(about_around.st_atime_ns, about_around.st_mtime_ns))

    @staticmethod
    def _fill(part: str, contents: dict[str, Content | None]) -> None:
        entries = []
        for number, (path, content) in enumerate(contents.items()):
            about = {name: getattr(content, name, None) for name in ("mode", "uid", "gid", "modified_ns")}
            entries.append({"path": path, **about})
            if content:
                copy = Content(content.data, 0o600, os.geteuid(), os.getegid())
                write(os.path.join(part, str(number)), copy)
        with open(os.path.join(part, "manifest.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1)
