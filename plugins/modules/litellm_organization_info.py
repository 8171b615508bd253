#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_organization_info
short_description: Tell which organizations LiteLLM has
version_added: 1.0.0
description:
  - Returns the organizations of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  organization_alias:
    description:
      - Only the organization of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_organization
"""

EXAMPLES = r"""
- name: Read all organizations
  hx.gateway.litellm_organization_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show what each has spent
  ansible.builtin.debug:
    msg: "{{ dict(found.organizations | map(attribute='organization_alias') | zip(found.organizations | map(attribute='spend'))) }}"
"""

RETURN = r"""
organizations:
  description: The organizations, sorted by organization_alias.
  returned: success
  type: list
  elements: dict
  sample:
    - organization_alias: research
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Organization())


if __name__ == "__main__":
    main()
