#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_budget_info
short_description: Tell which budgets LiteLLM has
version_added: 1.0.0
description:
  - Returns the budgets of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  budget_id:
    description:
      - Only the budget of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_budget
"""

EXAMPLES = r"""
- name: Read all budgets
  hx.gateway.litellm_budget_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show which have no limit
  ansible.builtin.debug:
    msg: "{{ found.budgets | selectattr('max_budget', 'none') | map(attribute='budget_id') | list }}"
"""

RETURN = r"""
budgets:
  description: The budgets, sorted by O(budget_id).
  returned: success
  type: list
  elements: dict
  sample:
    - budget_id: team-default
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Budget())


if __name__ == "__main__":
    main()
