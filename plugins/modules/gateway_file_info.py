#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_file_info
short_description: Tell which configuration files are not what they seem
version_added: 1.0.0
description:
  - Finds symbolic links where M(hx.gateway.gateway_file) would refuse to write, and files that somebody else changed since it
    wrote them.
  - A role asks before it changes anything.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
options:
  paths:
    description:
      - Absolute paths of the files. One that is not there is in order.
    type: list
    elements: path
    required: true
  folders:
    description:
      - Absolute paths of folders in which there must be no link at all.
    type: list
    elements: path
    default: []
  state_dir:
    description:
      - Folder of the record of M(hx.gateway.gateway_file).
    type: path
    default: /var/lib/hx-gateway
seealso:
  - module: hx.gateway.gateway_file
"""

EXAMPLES = r"""
- name: Refuse links where files are written
  hx.gateway.gateway_file_info:
    paths: [/etc/redis/redis.conf, /etc/redis/users.acl]
  register: files
  failed_when: files.links | length > 0
"""

RETURN = r"""
links:
  description: The links that were found.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The link, which is the file or a folder above it.
      type: str
    target:
      description: What it points to.
      type: str
  sample: []
by_hand:
  description: The files that somebody else has changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/redis/redis.conf]
reason:
  description: The links in words. Empty when there are none.
  returned: success
  type: str
  sample: /etc/redis/redis.conf is a link to /etc/shadow
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._kept_files import KeptError, read
from ansible_collections.hx.gateway.plugins.module_utils._links import Link, links_in, planted_link
from ansible_collections.hx.gateway.plugins.module_utils._written import STATE, Written, digest


def changed_by_hand(paths: list[str], noted: dict[str, str]) -> list[str]:
    """Find the files that are not as they were written."""
    found = {path: read(path) for path in paths if path in noted}
    return [path for path, content in found.items() if content and digest(content.data) != noted[path]]


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "required": True},
            "folders": {"type": "list", "elements": "path", "default": []},
            "state_dir": {"type": "path", "default": STATE},
        },
        supports_check_mode=True,
    )
    paths = list(dict.fromkeys(module.params["paths"]))
    folders = list(dict.fromkeys(module.params["folders"]))
    if relative := [path for path in paths + folders if not os.path.isabs(path)]:
        module.fail_json(msg=f"paths and folders must be absolute: {', '.join(relative)}")
    found: dict[Link, None] = {link: None for path in paths + folders if (link := planted_link(path))}
    found |= {link: None for folder in folders if not found for link in links_in(folder)}
    try:
        by_hand = [] if found else changed_by_hand(paths, Written(module.params["state_dir"]).load())
    except KeptError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        links=[link.dump() for link in found],
        by_hand=by_hand,
        reason="; ".join(str(link) for link in found),
    )


if __name__ == "__main__":
    main()
