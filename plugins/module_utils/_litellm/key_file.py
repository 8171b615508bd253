# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import hashlib
import os
import tempfile
import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, ResourceError, Wanted

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

KEY_FILE_OPTIONS: dict[str, dict[str, t.Any]] = {
    "key_file": {"type": "path", "no_log": False},
    "key_file_owner": {"type": "str", "no_log": False},
    "key_file_group": {"type": "str", "no_log": False},
}
_MODE = "0600"


def token_of(key: str) -> str:
    """Return the hash under which LiteLLM keeps a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyFiles:
    """Keeps the values of keys that were made up in the files that tasks name, on the host the module runs on."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.changed = False

    def keep(self, _resource: Resource, wanted: Wanted, secrets: dict[str, str]) -> bool:
        """Write a value before LiteLLM hears of it, so that a run that ends in between has lost nothing.

        Returns whether there is a file for it.
        """
        path = wanted.get("key_file")
        if path:
            self.write(path, secrets["key"])
            self._own(wanted)
        return bool(path)

    def write(self, path: str, key: str) -> None:
        """Put a value into a file that is never there by half, and never readable by others."""
        descriptor, temporary = tempfile.mkstemp(dir=self.module.tmpdir)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{key}\n")
        self.module.atomic_move(temporary, path)
        self.module.set_mode_if_different(path, _MODE, changed=False)
        self.changed = True

    def verify(self, _resource: Resource, wanted: Wanted, entry: Entry) -> None:
        """Refuse a file that does not hold the key of its task: nobody can tell the value any more."""
        path = wanted.get("key_file")
        if not path:
            return
        try:
            with open(path, encoding="utf-8") as file:
                held = file.read().strip()
        except OSError as error:
            held = ""
            reason = f"cannot be read ({error.strerror})"
        else:
            reason = "holds another value"
        if token_of(held) != entry["token"]:
            raise ResourceError(
                f"key_file: the key {entry['key_alias']!r} exists, but {path} {reason}, "
                "and LiteLLM keeps only the hash; remove the key to have another made up"
            )
        self._own(wanted)

    def _own(self, wanted: Wanted) -> None:
        """Give a file to its owner; its mode is for the owner alone."""
        path = wanted["key_file"]
        changed = self.module.set_mode_if_different(path, _MODE, changed=False)
        changed = self.module.set_owner_if_different(path, wanted.get("key_file_owner"), changed)
        changed = self.module.set_group_if_different(path, wanted.get("key_file_group"), changed)
        self.changed = self.changed or changed
