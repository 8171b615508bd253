#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_team
short_description: Manage teams of LiteLLM
version_added: 1.0.0
description:
  - Manages teams of LiteLLM, whose keys and members share models, budgets and limits.
  - Members are managed with M(hx.gateway.litellm_team_member).
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
  team_alias:
    description:
      - Name of the team. LiteLLM allows several of the same name; this module refuses to choose among them.
    type: str
    required: true
  team_id:
    description:
      - Id of the team when it is made. Without it, one is made from the name. It cannot be changed later.
    type: str
  organization:
    description:
      - Name of the organization the team belongs to. V(null) for none.
    type: str
  models:
    description:
      - Models the team may use. An empty list means all.
    type: list
    elements: str
  max_budget:
    description:
      - US dollars that may be spent in one O(budget_duration). V(null) for no limit.
    type: float
  soft_budget:
    description:
      - US dollars after which LiteLLM alerts, but still serves.
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
  tpd_limit:
    description:
      - Tokens a day that batches may use.
    type: int
  model_rpm_limit:
    description:
      - Requests a minute of single models, by the model's name.
    type: dict
  model_tpm_limit:
    description:
      - Tokens a minute of single models, by the model's name.
    type: dict
  blocked:
    description:
      - Whether all keys of the team are refused.
    type: bool
  metadata:
    description:
      - Anything worth keeping with the team. The whole of it is managed; what LiteLLM and this collection keep
        there themselves is left alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_team_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a team with a budget and two models
  hx.gateway.litellm_team:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team_alias: search
    models: [ollama-chat, ollama-embedding]
    max_budget: 200
    budget_duration: 30d
    model_rpm_limit:
      ollama-chat: 60

- name: Stop all of its keys for now
  hx.gateway.litellm_team:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team_alias: search
    blocked: true

- name: Remove the team, and its keys
  hx.gateway.litellm_team:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    team_alias: search
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
team:
  description:
    - The team as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    team_alias: search
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Team())


if __name__ == "__main__":
    main()
