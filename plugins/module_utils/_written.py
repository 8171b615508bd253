# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime

from ansible_collections.hx.gateway.plugins.module_utils._kept_files import Content, write

STATE = "/var/lib/hx-gateway"
_SET_ASIDE = 5


def digest(data: bytes) -> str:
    """Tell one content from another."""
    return hashlib.sha256(data).hexdigest()


class Written:
    """What the roles last wrote into each file, and copies of what somebody else had written there.

    It lies in a folder that only root can enter: root can read the files themselves, so their digests tell it nothing.
    """

    def __init__(self, state: str) -> None:
        self.state = state
        self._record = os.path.join(state, "written.json")

    @property
    def exists(self) -> bool:
        """Whether there is a record, be it an empty one."""
        return os.path.lexists(self._record)

    def load(self) -> dict[str, str]:
        """Return the digests by path. One that cannot be read tells nothing."""
        with contextlib.suppress(FileNotFoundError, ValueError), open(self._record, encoding="utf-8") as file:
            found = json.load(file)
            return found if isinstance(found, dict) else {}
        return {}

    def note(self, digests: Mapping[str, str | None]) -> None:
        """Note what the roles wrote, or that they removed a file."""
        before = self.load()
        after = {path: value for path, value in {**before, **digests}.items() if value}
        if after == before:
            return
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        data = json.dumps(after, indent=1, sort_keys=True).encode()
        write(self._record, Content(data, 0o600, os.geteuid(), os.getegid()))

    def is_by_hand(self, path: str, content: Content | None) -> bool:
        """Tell whether somebody else changed what the roles last wrote."""
        noted = self.load().get(path)
        return content is not None and noted is not None and digest(content.data) != noted

    def original_of(self, path: str) -> str:
        """Name the copy of what was there before the roles came."""
        return f"{self._beside(path)}.original"

    def copy_of(self, path: str, *, known: bool) -> str:
        """Name the copy of what is about to be replaced: the host's original once, later contents by their time."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        original = self.original_of(path)
        return f"{self._beside(path)}.{stamp}" if known or os.path.lexists(original) else original

    def forget(self, path: str) -> None:
        """Remove the record and the copies of a file."""
        if not os.path.lexists(self.state):
            return
        self.note({path: None})
        for copy in self._copies(path, "original") + self._copies(path, "[0-9]*Z"):
            os.unlink(copy)

    def _beside(self, path: str) -> str:
        return os.path.join(self.state, "replaced", path.lstrip("/"))

    def _copies(self, path: str, ending: str) -> list[str]:
        return sorted(glob.glob(f"{glob.escape(self._beside(path))}.{ending}"))

    def set_aside(self, copy: str, content: Content) -> None:
        """Keep a copy with its owner and mode, and of the later ones the last few."""
        os.makedirs(os.path.dirname(copy), mode=0o700, exist_ok=True)
        os.chmod(self.state, 0o700)
        write(copy, content)
        path = os.path.relpath(copy.rpartition(".")[0], os.path.join(self.state, "replaced"))
        for old in self._copies(path, "[0-9]*Z")[:-_SET_ASIDE]:
            os.unlink(old)


def kept_edit(path: str, copy: str) -> str:
    """Say where somebody finds again what they had written."""
    return f"{path} was changed by hand; what was in it is kept as {copy}"
