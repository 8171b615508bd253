# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

SERVED = "served"
KEPT = ".kept"
_REMEMBERED = 20


class ReleaseError(Exception):
    """A release cannot be used, or the folder holds no releases."""


@dataclass(frozen=True)
class Release:
    """One folder under releases/."""

    name: str
    complete: bool
    kept: bool
    completed_at: float

    def dump(self) -> dict[str, t.Any]:
        """Return it as a module's result."""
        return {"name": self.name, "complete": self.complete, "kept": self.kept}


class Releases:
    """The releases of one component: releases/, the link current, and the list of those that passed their gate."""

    def __init__(self, root: str) -> None:
        if not os.path.isabs(root):
            raise ReleaseError(f"root must be an absolute path, {root} is not one")
        self.root = root

    def folder(self, name: str) -> str:
        """Return a release's folder."""
        return os.path.join(self.root, "releases", name)

    def kept_folder(self, name: str) -> str:
        """Return where the files that a release served with are kept."""
        return os.path.join(self.folder(name), KEPT)

    def found(self) -> list[Release]:
        """List the releases by name."""
        try:
            names = sorted(entry.name for entry in os.scandir(os.path.join(self.root, "releases")) if entry.is_dir())
        except FileNotFoundError:
            return []
        return [self._look_at(name) for name in names]

    def _look_at(self, name: str) -> Release:
        try:
            completed_at = os.lstat(os.path.join(self.folder(name), ".complete")).st_mtime
        except FileNotFoundError:
            return Release(name, complete=False, kept=False, completed_at=0)
        kept = os.path.exists(os.path.join(self.kept_folder(name), "manifest.json"))
        return Release(name, complete=True, kept=kept, completed_at=completed_at)

    @property
    def complete(self) -> list[Release]:
        """The releases that one can go to."""
        return [release for release in self.found() if release.complete]

    @property
    def current(self) -> str:
        """The release that current points to; empty when there is none."""
        try:
            return os.path.basename(os.readlink(os.path.join(self.root, "current")))
        except OSError:
            return ""

    @property
    def history(self) -> list[str]:
        """The releases that passed their gate, the last one first."""
        try:
            with open(os.path.join(self.root, SERVED), encoding="utf-8") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def history_with(self, name: str) -> list[str]:
        """Return the history once a release has passed its gate."""
        return [name, *(other for other in self.history if other != name)][:_REMEMBERED]

    @property
    def served(self) -> str:
        """The complete release that passed its gate last; empty when none did."""
        usable = {release.name for release in self.complete}
        return next((name for name in self.history if name in usable), "")

    @property
    def previous(self) -> str:
        """The complete release that served before current; without a record of it the one completed last."""
        current = self.current
        usable = {release.name: release.completed_at for release in self.complete if release.name != current}
        recorded = next((name for name in self.history if name in usable), "")
        return recorded or max(usable, key=lambda name: usable[name], default="")

    def choose(self, wanted: str) -> str:
        """Find the complete release that is meant by previous, served, a release's name or a version."""
        complete = [release.name for release in self.complete]
        if wanted in ("previous", "served"):
            if name := {"previous": self.previous, "served": self.served}[wanted]:
                return name
            raise ReleaseError(f"there is no {wanted} release in {self.root}. {self._there_are(complete)}")
        if wanted in complete:
            return wanted
        if any(release.name == wanted for release in self.found()):
            raise ReleaseError(f"the release {wanted} in {self.root} is incomplete. {self._there_are(complete)}")
        of_version = [name for name in complete if name.rpartition("-")[0] == wanted]
        if len(of_version) == 1:
            return of_version[0]
        if of_version:
            raise ReleaseError(f"{wanted} is the version of several releases: {', '.join(of_version)}")
        raise ReleaseError(f"there is no release {wanted} in {self.root}. {self._there_are(complete)}")

    def _there_are(self, complete: list[str]) -> str:
        return f"Complete releases: {', '.join(complete) or 'none'}"
