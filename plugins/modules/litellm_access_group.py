#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_access_group
short_description: Manage access groups of LiteLLM
version_added: 1.0.0
description:
  - Manages access groups of LiteLLM, which give teams and keys a set of models.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.resource_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
  - hx.gateway._litellm_api.presence
options:
  access_group_name:
    description:
      - Name of the group.
    type: str
    required: true
  description:
    description:
      - What the group is for.
    type: str
  models:
    description:
      - Models of the group. A model that LiteLLM does not have is refused.
    type: list
    elements: str
  mcp_server_ids:
    description:
      - Ids of servers of tools in the group.
    type: list
    elements: str
  teams:
    description:
      - Names of the teams that may use it.
    type: list
    elements: str
  keys:
    description:
      - Aliases of the keys that may use it.
    type: list
    elements: str
seealso:
  - module: hx.gateway.litellm_access_group_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a group of models
  hx.gateway.litellm_access_group:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    access_group_name: everyday
    description: What anybody may use
    models: [ollama-chat, ollama-embedding]

- name: Remove the group
  hx.gateway.litellm_access_group:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    access_group_name: everyday
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
access_group:
  description:
    - The access group as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    access_group_name: everyday
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(AccessGroup())


if __name__ == "__main__":
    main()
