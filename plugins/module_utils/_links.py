# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import os
import stat
import typing as t
from dataclasses import asdict, dataclass

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class LinkError(Exception):
    """A path leads somewhere else than it says."""


@dataclass(frozen=True)
class Link:
    """A symbolic link where there must be none."""

    path: str
    target: str

    def dump(self) -> dict[str, t.Any]:
        """Return it as a module's result."""
        return asdict(self)

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.path} is a link to {self.target}"


def planted_link(path: str) -> Link | None:
    """Find the link that a path leads through.

    A file and the folder it lies in are never links. Above them a link of root's own in a folder that only root writes
    to is how an administrator moves things, and no other is followed.
    """
    parts = [path]
    while parts[-1] != os.path.dirname(parts[-1]):
        parts.append(os.path.dirname(parts[-1]))
    for part in reversed(parts):
        try:
            about = os.lstat(part)
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(about.st_mode) and (part in parts[:2] or not _is_roots(part, about)):
            return Link(part, os.readlink(part))
    return None


def links_in(folder: str) -> list[Link]:
    """List the links that lie in a folder or below it."""
    return [
        Link(path, os.readlink(path))
        for above, folders, files in os.walk(folder)
        for path in (os.path.join(above, name) for name in sorted(folders + files))
        if os.path.islink(path)
    ]


def refuse_planted_link(path: str) -> None:
    """Fail where a path leads through a link that may be planted."""
    if link := planted_link(path):
        raise LinkError(f"{link}: no file is written there. Remove the link, and find out who made it.")


def _is_roots(path: str, about: os.stat_result) -> bool:
    around = os.stat(os.path.dirname(path))
    return about.st_uid == around.st_uid == 0 and not around.st_mode & _WRITABLE_BY_OTHERS
