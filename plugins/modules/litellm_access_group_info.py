#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_access_group_info
short_description: Tell which access groups LiteLLM has
version_added: 1.0.0
description:
  - Returns the access groups of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  access_group_name:
    description:
      - Only the group of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_access_group
"""

EXAMPLES = r"""
- name: Read all access groups
  hx.gateway.litellm_access_group_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show their models
  ansible.builtin.debug:
    msg: "{{ dict(found.access_groups | map(attribute='access_group_name') | zip(found.access_groups | map(attribute='models'))) }}"
"""

RETURN = r"""
access_groups:
  description: The access groups, sorted by access_group_name.
  returned: success
  type: list
  elements: dict
  sample:
    - access_group_name: everyday
      description: What anybody may use
      models:
      - ollama-chat
      - ollama-embedding
      mcp_server_ids: []
      access_group_id: 0c1f4e0e-0a5b-4f0e-9a3b-7e1f6d2c5b11
      team_ids: []
      key_tokens: []
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.access_group import AccessGroup
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(AccessGroup())


if __name__ == "__main__":
    main()
