#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_file_undo
short_description: Take back the files that the roles wrote
version_added: 1.0.0
description:
  - Removes files that M(hx.gateway.gateway_file) has a record of, or puts the host's original back where there was one, with its
    owner and mode. The record and the copies of these files go, too. A file without a record is not the roles', and stays.
  - Warns of files that somebody else changed since they were written, in check mode as well, since that goes with them.
  - Refuses paths that lead through a symbolic link, before anything is changed.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Names the files; their content is not shown.
  idempotent:
    support: full
options:
  paths:
    description:
      - Absolute paths of the files. One that is not there is in order.
    type: list
    elements: path
    required: true
  state_dir:
    description:
      - Folder of the record and of the copies.
    type: path
    default: /var/lib/hx-gateway
seealso:
  - module: hx.gateway.gateway_file
"""

EXAMPLES = r"""
- name: Give Redis the configuration of the distribution back
  hx.gateway.gateway_file_undo:
    paths: [/etc/redis/redis.conf, /etc/redis/users.acl]
"""

RETURN = r"""
removed:
  description: The files that were removed.
  returned: success
  type: list
  elements: str
  sample: [/etc/redis/users.acl]
restored:
  description: The files whose original is back.
  returned: success
  type: list
  elements: str
  sample: [/etc/redis/redis.conf]
by_hand:
  description: The files that somebody else had changed.
  returned: success
  type: list
  elements: str
  sample: []
recorded:
  description:
    - Whether the host still has the roles' record of files, which the end of a removal takes away. Without it nothing here is the
      roles' own any more.
  returned: success
  type: bool
  sample: true
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._kept_files import Content, KeptError, read, write
from ansible_collections.hx.gateway.plugins.module_utils._links import LinkError, refuse_planted_link
from ansible_collections.hx.gateway.plugins.module_utils._written import STATE, Written, digest


class WrittenFile:
    """One file that the roles wrote, as it is and as it was before them."""

    def __init__(self, path: str, written: Written, noted: str | None) -> None:
        refuse_planted_link(path)
        self.path = path
        self.written = written
        self.noted = noted
        self.now = read(path)
        self.original = read(written.original_of(path))

    @property
    def by_hand(self) -> bool:
        """Whether somebody else changed what was last written."""
        return self.now is not None and self.noted is not None and digest(self.now.data) != self.noted

    @property
    def outcome(self) -> str:
        """What becomes of it; what has no record, as an original that is back, is not the roles' own."""
        if self.noted is None:
            return ""
        if self.original:
            return "restored"
        return "removed" if self.now else ""

    def undo(self) -> None:
        """Bring it to what it was, and forget it."""
        if self.outcome == "restored" and self.original:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            write(self.path, Content(self.original.data, self.original.mode, self.original.uid, self.original.gid))
        elif self.outcome == "removed":
            os.unlink(self.path)
        self.written.forget(self.path)


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "state_dir": {"type": "path", "default": STATE},
        },
        supports_check_mode=True,
    )
    paths = list(dict.fromkeys(module.params["paths"]))
    if relative := [path for path in paths if not os.path.isabs(path)]:
        module.fail_json(msg=f"paths must be absolute: {', '.join(relative)}")
    try:
        written = Written(module.params["state_dir"])
        noted = written.load()
        files = [WrittenFile(path, written, noted.get(path)) for path in paths]
        by_hand = [file.path for file in files if file.by_hand]
        for path in by_hand:
            module.warn(f"{path} was changed by hand; that goes with the file")
        found = {
            outcome: [file.path for file in files if file.outcome == outcome] for outcome in ("removed", "restored")
        }
        if not module.check_mode:
            for file in files:
                file.undo()
    except (KeptError, LinkError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"cannot remove {error.filename}: {error.strerror}")
    lines = [f"{outcome} {path}\n" for outcome, those in found.items() for path in those]
    diff = {"before": "", "after": "".join(lines)}
    module.exit_json(changed=bool(lines), by_hand=by_hand, recorded=written.exists, diff=diff, **found)


if __name__ == "__main__":
    main()
