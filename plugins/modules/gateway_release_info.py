#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_release_info
short_description: Tell which releases of a component there are, and which one can go back to
version_added: 1.0.0
description:
  - Lists the releases under a component's folder, which of them are complete, which one C(current) points to and which
    one served before.
  - A folder without releases is an answer, not a failure.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
options:
  root:
    description:
      - Folder of the component, which has C(releases/) and the link C(current) in it.
    type: path
    required: true
seealso:
  - module: hx.gateway.gateway_release
"""

EXAMPLES = r"""
- name: See which releases of the gateway there are
  hx.gateway.gateway_release_info:
    root: /opt/HX-Infrastructure-/api-gateway/gateway
  register: releases
"""

RETURN = r"""
releases:
  description: The releases, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of its folder.
      type: str
    complete:
      description: Whether it was built to its end. Another one is never gone back to.
      type: bool
    kept:
      description: Whether the files that it served with are kept beside it.
      type: bool
  sample:
    - name: 1.0.0-0a1b2c3d
      complete: true
      kept: true
current:
  description: The release that C(current) points to. Empty when there is none.
  returned: success
  type: str
  sample: 1.0.0-0a1b2c3d
served:
  description: The complete release that passed its gate last. Empty when none did.
  returned: success
  type: str
  sample: 1.0.0-0a1b2c3d
previous:
  description: The complete release that served before the current one. Empty when there is none.
  returned: success
  type: str
  sample: ""
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._releases import ReleaseError, Releases


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(argument_spec={"root": {"type": "path", "required": True}}, supports_check_mode=True)
    try:
        releases = Releases(module.params["root"])
    except ReleaseError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        releases=[release.dump() for release in releases.found()],
        current=releases.current,
        served=releases.served,
        previous=releases.previous,
    )


if __name__ == "__main__":
    main()
