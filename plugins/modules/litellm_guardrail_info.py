#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_guardrail_info
short_description: Tell which guardrails LiteLLM has
version_added: 1.0.0
description:
  - Returns the guardrails of LiteLLM, those of C(config.yaml) included.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  guardrail_name:
    description:
      - Only the guardrail of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_guardrail
"""

EXAMPLES = r"""
- name: Read all guardrails
  hx.gateway.litellm_guardrail_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show which look at every request
  ansible.builtin.debug:
    msg: "{{ found.guardrails | selectattr('default_on') | map(attribute='guardrail_name') | list }}"
"""

RETURN = r"""
guardrails:
  description: The guardrails, sorted by guardrail_name.
  returned: success
  type: list
  elements: dict
  sample:
    - guardrail_name: no-secrets
      guardrail: hide-secrets
      mode: pre_call
      default_on: false
      litellm_params:
        unreachable_fallback: fail_closed
      guardrail_info:
        description: Keys and passwords do not leave the house
      guardrail_id: 3c9e2b6a-5d40-5c1a-9f77-2b4f0f6b8d11
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.guardrail import Guardrail
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Guardrail())


if __name__ == "__main__":
    main()
