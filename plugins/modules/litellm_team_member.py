#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team_member
short_description: Manage team members of LiteLLM
version_added: 1.0.0
description:
  - Manages which users are in a team of LiteLLM, and what each may spend there.
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
  team:
    description:
      - Name of the team.
    type: str
    required: true
  user_id:
    description:
      - Id of the user, who must exist.
    type: str
    required: true
  role:
    description:
      - What the user may do in the team. V(admin) needs LiteLLM Enterprise.
    type: str
    choices: [user, admin]
  max_budget:
    description:
      - US dollars the user may spend in the team in one O(budget_duration). V(null) for no limit.
    type: float
  budget_duration:
    description:
      - After which time the spend counts from zero again, such as V(30d), V(12h) or V(1mo). V(null) for never.
    type: str
  rpm_limit:
    description:
      - Requests a minute.
    type: int
  tpm_limit:
    description:
      - Tokens a minute.
    type: int
seealso:
  - module: hx.gateway.litellm_team_member_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have the team and the user
  hx.gateway.litellm_team:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team_alias: translation

- name: Have the user
  hx.gateway.litellm_user:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    user_id: grace

- name: Put the user into the team, with a budget of her own
  hx.gateway.litellm_team_member:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team: translation
    user_id: grace
    max_budget: 20
    budget_duration: 30d

- name: Take her out again
  hx.gateway.litellm_team_member:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team: translation
    user_id: grace
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
team_member:
  description:
    - The member as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    team: translation
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(TeamMember())


if __name__ == "__main__":
    main()
