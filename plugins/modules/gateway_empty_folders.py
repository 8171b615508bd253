#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_empty_folders
short_description: Remove folders in which nothing is left
version_added: 1.0.0
description:
  - Removes each folder that is empty, and the folders above it that become empty by that, up to one that a package of the
    distribution owns or on which a file system is mounted. Folders of the root and of C(/usr/local) stay in any case.
  - A folder with something in it stays, and is named.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
    details:
      - Tells what is empty now; files that other tasks would remove are still there.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  paths:
    description:
      - Absolute paths of folders. One that is not there is in order; the folders above it are looked at all the same.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Remove what is empty of the deployment's folders
  hx.gateway.gateway_empty_folders:
    paths: [/opt/HX-Infrastructure-/api-gateway/config/api-gateway]
"""

RETURN = r"""
removed:
  description: The folders that were removed.
  returned: success
  type: list
  elements: str
  sample: [/opt/HX-Infrastructure-/api-gateway/config/api-gateway]
kept:
  description: What lies in those of O(paths), or of the folders above them, that stay because they are not empty.
  returned: success
  type: dict
  sample:
    /opt/HX-Infrastructure-/api-gateway: [notes.txt]
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

# Made by the installation of Debian itself, and owned by no package.
_ALWAYS_THERE = ("/", "/usr/local")


class Folders:
    """Folders and what is above them, from the innermost outwards."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.removed: list[str] = []
        self.kept: dict[str, list[str]] = {}

    def remove(self, path: str) -> None:
        """Remove a folder and what becomes empty above it."""
        while not self._belongs_to_the_system(path):
            if os.path.isdir(path) and not os.path.islink(path):
                left = sorted(set(os.listdir(path)) - self._gone_from(path))
                if left:
                    self.kept[path] = left
                    return
                if not self.module.check_mode:
                    os.rmdir(path)
                self.removed.append(path)
            path = os.path.dirname(path)

    def _gone_from(self, path: str) -> set[str]:
        """In check mode what would be removed is still there."""
        return {os.path.basename(removed) for removed in self.removed if os.path.dirname(removed) == path}

    def _belongs_to_the_system(self, path: str) -> bool:
        if os.path.dirname(path) in _ALWAYS_THERE or os.path.ismount(path) or os.path.islink(path):
            return True
        return bool(self.module.run_command(["dpkg-query", "--search", path])[0] == 0)


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"paths": {"type": "list", "elements": "path", "required": True}}, supports_check_mode=True
    )
    paths = list(dict.fromkeys(os.path.normpath(path) for path in module.params["paths"]))
    if relative := [path for path in paths if not os.path.isabs(path)]:
        module.fail_json(msg=f"paths must be absolute: {', '.join(relative)}")
    folders = Folders(module)
    try:
        for path in paths:
            folders.remove(path)
    except OSError as error:
        module.fail_json(msg=f"cannot remove {error.filename}: {error.strerror}")
    module.exit_json(changed=bool(folders.removed), removed=folders.removed, kept=folders.kept)


if __name__ == "__main__":
    main()
