#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_budget
short_description: Manage budgets of LiteLLM
version_added: 1.0.0
description:
  - Manages budgets that keys, organizations, users and tags of LiteLLM can share.
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
  budget_id:
    description:
      - Name of the budget.
    type: str
    required: true
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
  max_parallel_requests:
    description:
      - How many requests may be under way at once.
    type: int
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
  model_max_budget:
    description:
      - Limits of single models, by the model's name, each with C(budget_limit), C(time_period), C(rpm_limit) or C(tpm_limit).
    type: dict
seealso:
  - module: hx.gateway.litellm_budget_info
"""

EXAMPLES = r"""
- name: Give teams 100 dollars a month
  hx.gateway.litellm_budget:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    budget_id: team-default
    max_budget: 100
    soft_budget: 80
    budget_duration: 30d

- name: Take the limit of a budget away, and leave all else
  hx.gateway.litellm_budget:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    budget_id: team-default
    max_budget: null

- name: Remove the budget
  hx.gateway.litellm_budget:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    budget_id: team-default
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
budget:
  description:
    - The budget as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    budget_id: team-default
    max_budget: 100.0
    soft_budget: 80.0
    budget_duration: 30d
    max_parallel_requests: null
    rpm_limit: null
    tpm_limit: null
    tpd_limit: null
    model_max_budget: {}
    budget_reset_at: "2026-12-01T00:00:00Z"
    created_at: "2026-11-01T09:30:00Z"
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.budget import Budget
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Budget())


if __name__ == "__main__":
    main()
