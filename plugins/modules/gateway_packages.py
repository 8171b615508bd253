#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_packages
short_description: Note which packages the roles bring, and purge those that nothing else needs
version_added: 1.0.0
description:
  - With O(state=noted), notes those of O(names) that are not installed. A role asks before it installs them, so that a run that is
    cut off leaves no package nobody knows of.
  - With O(state=purged), purges what was noted together with what came along with it, and forgets it. What apt installed for
    something else, or what something else depends on by now, stays; so does what would have been superfluous anyway.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - Whether to note or to purge.
    type: str
    choices: [noted, purged]
    required: true
  names:
    description:
      - Names of the packages to note.
    type: list
    elements: str
    default: []
  keep:
    description:
      - Names of packages that are not to be purged even if they were noted. What they need stays with them.
    type: list
    elements: str
    default: []
  state_dir:
    description:
      - Folder of the note.
    type: path
    default: /var/lib/hx-gateway
"""

EXAMPLES = r"""
- name: Note what is about to be installed
  hx.gateway.gateway_packages:
    names: [redis-server]
    state: noted

- name: Purge what the roles brought, and leave the database
  hx.gateway.gateway_packages:
    keep: [postgresql-15]
    state: purged
"""

RETURN = r"""
packages:
  description: The packages that were noted, or purged.
  returned: success
  type: list
  elements: str
  sample: [redis-server, redis-tools]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._apt import Apt, AptError
from ansible_collections.hx.gateway.plugins.module_utils._brought import Brought
from ansible_collections.hx.gateway.plugins.module_utils._written import STATE


def note(apt: Apt, brought: Brought, names: list[str], *, check_mode: bool) -> list[str]:
    """Note the packages that are not installed yet."""
    missing = sorted(set(names) - apt.installed(names) - set(brought.load()))
    if missing and not check_mode:
        brought.save([*brought.load(), *missing])
    return missing


def purge(apt: Apt, brought: Brought, keep: list[str], *, check_mode: bool) -> list[str]:
    """Purge what was noted and what nothing else needs."""
    noted = brought.load()
    wanted = sorted(apt.installed([name for name in noted if name not in keep]))
    superfluous = sorted(apt.superfluous(wanted) - apt.superfluous([])) if wanted else []
    if not check_mode:
        if superfluous:
            apt.purge(superfluous)
        brought.save([name for name in noted if name in keep])
    return superfluous


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["noted", "purged"], "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "keep": {"type": "list", "elements": "str", "default": []},
            "state_dir": {"type": "path", "default": STATE},
        },
        supports_check_mode=True,
    )
    apt, brought = Apt(module), Brought(module.params["state_dir"])
    try:
        if module.params["state"] == "noted":
            packages = note(apt, brought, module.params["names"], check_mode=module.check_mode)
        else:
            packages = purge(apt, brought, module.params["keep"], check_mode=module.check_mode)
    except AptError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"cannot write {error.filename}: {error.strerror}")
    module.exit_json(changed=bool(packages), packages=packages)


if __name__ == "__main__":
    main()
