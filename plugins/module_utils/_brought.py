# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import contextlib
import json
import os

from ansible_collections.hx.gateway.plugins.module_utils._kept_files import Content, write


class Brought:
    """The packages that were not on the host before the roles came."""

    def __init__(self, state: str) -> None:
        self.state = state
        self._path = os.path.join(state, "packages.json")

    def load(self) -> list[str]:
        """Return their names. A note that cannot be read tells nothing."""
        with contextlib.suppress(FileNotFoundError, ValueError), open(self._path, encoding="utf-8") as file:
            found = json.load(file)
            return [str(name) for name in found] if isinstance(found, list) else []
        return []

    def save(self, names: list[str]) -> None:
        """Replace the note, and keep none of nothing."""
        if names:
            os.makedirs(self.state, mode=0o700, exist_ok=True)
            data = json.dumps(sorted(set(names)), indent=1).encode()
            write(self._path, Content(data, 0o600, os.geteuid(), os.getegid()))
        elif os.path.lexists(self._path):
            os.unlink(self._path)
