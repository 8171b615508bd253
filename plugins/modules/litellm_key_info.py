#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_key_info
short_description: Tell which keys LiteLLM has
version_added: 1.0.0
description:
  - Returns the keys of LiteLLM that have an alias. The value of a key is never told.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  key_alias:
    description:
      - Only the key of this name.
    type: str
  team_id:
    description:
      - Only keys of this team.
    type: str
  user_id:
    description:
      - Only keys of this user.
    type: str
seealso:
  - module: hx.gateway.litellm_key
"""

EXAMPLES = r"""
- name: Read all keys
  hx.gateway.litellm_key_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show which are blocked
  ansible.builtin.debug:
    msg: "{{ found['keys'] | selectattr('blocked') | map(attribute='key_alias') | list }}"
"""

RETURN = r"""
keys:
  description: The keys, sorted by key_alias.
  returned: success
  type: list
  elements: dict
  sample:
    - key_alias: shop
      models:
      - ollama-chat
      - ollama-embedding
      user_id: null
      budget_id: null
      max_budget: 50.0
      budget_duration: 30d
      rpm_limit: 120
      tpm_limit: null
      tpd_limit: null
      max_parallel_requests: null
      model_rpm_limit: {}
      model_tpm_limit: {}
      duration: null
      allowed_routes: []
      aliases: {}
      blocked: false
      metadata: {}
      token: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
      key_name: sk-...f3Qw
      team_id: null
      spend: 1.25
      expires: null
      budget_reset_at: '2026-12-01T00:00:00Z'
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.key import Key
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Key(), {"team_id": {"type": "str"}, "user_id": {"type": "str"}})


if __name__ == "__main__":
    main()
