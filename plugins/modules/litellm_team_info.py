#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_info
short_description: Tell which teams LiteLLM has
version_added: 1.0.0
description:
  - Returns the teams of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  team_alias:
    description:
      - Only the team of this name.
    type: str
  team_id:
    description:
      - Only the team of this id.
    type: str
  organization_id:
    description:
      - Only teams of this organization.
    type: str
seealso:
  - module: hx.gateway.litellm_team
"""

EXAMPLES = r"""
- name: Read all teams
  hx.gateway.litellm_team_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show which are blocked
  ansible.builtin.debug:
    msg: "{{ found.teams | selectattr('blocked') | map(attribute='team_alias') | list }}"
"""

RETURN = r"""
teams:
  description: The teams, sorted by team_alias.
  returned: success
  type: list
  elements: dict
  sample:
    - team_alias: search
      team_id: 7d7c3a39-7a5e-5f0c-9b8e-1b5c6f4f3d21
      models:
      - ollama-chat
      - ollama-embedding
      max_budget: 200.0
      soft_budget: null
      budget_duration: 30d
      rpm_limit: null
      tpm_limit: null
      tpd_limit: null
      model_rpm_limit:
        ollama-chat: 60
      model_tpm_limit: {}
      blocked: false
      metadata: {}
      organization_id: null
      spend: 3.2
      members:
      - user_id: ada
        role: user
      budget_reset_at: '2026-12-01T00:00:00Z'
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team import Team
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Team(), {"team_id": {"type": "str"}, "organization_id": {"type": "str"}})


if __name__ == "__main__":
    main()
