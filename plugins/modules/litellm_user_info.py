#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_user_info
short_description: Tell which users LiteLLM has
version_added: 1.0.0
description:
  - Returns the users of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  user_id:
    description:
      - Only the user of this id.
    type: str
  user_role:
    description:
      - Only users of this role.
    type: str
  user_email:
    description:
      - Only users of this mail address.
    type: str
seealso:
  - module: hx.gateway.litellm_user
"""

EXAMPLES = r"""
- name: Read who may change everything
  hx.gateway.litellm_user_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    user_role: proxy_admin
  register: found

- name: Show their ids
  ansible.builtin.debug:
    msg: "{{ found.users | map(attribute='user_id') | list }}"
"""

RETURN = r"""
users:
  description: The users, sorted by user_id.
  returned: success
  type: list
  elements: dict
  sample:
    - user_id: ada
      user_email: ada@example.com
      user_alias: null
      user_role: internal_user_viewer
      models: []
      max_budget: 20.0
      budget_duration: 30d
      rpm_limit: null
      tpm_limit: null
      metadata: {}
      teams: []
      spend: 0.0
      budget_reset_at: '2026-12-01T00:00:00Z'
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.user import User
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(User(), {"user_role": {"type": "str"}, "user_email": {"type": "str"}})


if __name__ == "__main__":
    main()
