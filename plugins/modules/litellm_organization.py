#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_organization
short_description: Manage organizations of LiteLLM
version_added: 1.0.0
description:
  - Manages organizations of LiteLLM, which hold teams and set limits that all of their teams share.
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
  organization_alias:
    description:
      - Name of the organization.
    type: str
    required: true
  organization_id:
    description:
      - Id of the organization when it is made. Without it, one is made from the name. It cannot be changed later.
    type: str
  models:
    description:
      - Models its teams may use. An empty list means all.
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
  metadata:
    description:
      - Anything worth keeping with it. The whole of it is managed; what LiteLLM and this collection keep there
        themselves is left alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_organization_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have an organization with a budget
  hx.gateway.litellm_organization:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    organization_alias: research
    max_budget: 1000
    budget_duration: 30d
    metadata:
      cost_center: "4711"

- name: Remove the organization
  hx.gateway.litellm_organization:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    organization_alias: research
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
organization:
  description:
    - The organization as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    organization_alias: research
    organization_id: 1f0c2a34-5a2b-5c7d-8e9f-0a1b2c3d4e5f
    models: []
    max_budget: 1000.0
    soft_budget: null
    budget_duration: 30d
    max_parallel_requests: null
    rpm_limit: null
    tpm_limit: null
    metadata:
      cost_center: '4711'
    budget_id: 0b0d9d0c-3a55-4b5e-9a44-0b7c2f9e4a11
    spend: 12.5
    budget_reset_at: '2026-12-01T00:00:00Z'
    created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.organization import Organization
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Organization())


if __name__ == "__main__":
    main()
