#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_member_info
short_description: Tell which team members LiteLLM has
version_added: 1.0.0
description:
  - Returns the team members of LiteLLM.
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
      - Only memberships of this user.
    type: str
  team:
    description:
      - Only members of this team.
    type: str
seealso:
  - module: hx.gateway.litellm_team_member
"""

EXAMPLES = r"""
- name: Read who is in a team
  hx.gateway.litellm_team_member_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team: translation
  register: found

- name: Show what each has spent
  ansible.builtin.debug:
    msg: "{{ dict(found.team_members | map(attribute='user_id') | zip(found.team_members | map(attribute='spend'))) }}"
"""

RETURN = r"""
team_members:
  description: The team members, sorted by user_id.
  returned: success
  type: list
  elements: dict
  sample:
    - team: translation
      user_id: grace
      role: user
      max_budget: 20.0
      budget_duration: 30d
      rpm_limit: null
      tpm_limit: null
      team_id: 7d7c3a39-7a5e-5f0c-9b8e-1b5c6f4f3d21
      spend: 0.4
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team_member import TeamMember
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(TeamMember(), {"team": {"type": "str"}})


if __name__ == "__main__":
    main()
