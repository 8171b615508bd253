#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_guardrail
short_description: Manage guardrails of LiteLLM
version_added: 1.0.0
description:
  - Manages guardrails of LiteLLM that are kept in its database. One that comes from C(config.yaml) is recognised
    and never touched.
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
  guardrail_name:
    description:
      - Name of the guardrail, which requests and keys refer to.
    type: str
    required: true
  guardrail:
    description:
      - What does the work, such as V(presidio) or V(hide-secrets). It cannot be changed later. Needed to make one.
    type: str
  mode:
    description:
      - When it does it. Needed to make one.
    type: str
    choices: [pre_call, post_call, during_call, logging_only, pre_mcp_call, during_mcp_call]
  default_on:
    description:
      - Whether it looks at every request, and not only at those that name it.
    type: bool
  litellm_params:
    description:
      - Other parameters of the guardrail, as LiteLLM names them. Only the stated ones are managed.
      - Secrets are refused, since LiteLLM never tells them again; give them to LiteLLM in its environment.
    type: dict
  guardrail_info:
    description:
      - Anything worth knowing about it. The whole of it is managed; what this collection keeps there itself is left
        alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_guardrail_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Look at every request for secrets
  hx.gateway.litellm_guardrail:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    guardrail_name: no-secrets
    guardrail: hide-secrets
    mode: pre_call
    guardrail_info:
      description: Keys and passwords do not leave the house

- name: Remove the guardrail
  hx.gateway.litellm_guardrail:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    guardrail_name: no-secrets
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
guardrail:
  description:
    - The guardrail as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    guardrail_name: no-secrets
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Guardrail())


if __name__ == "__main__":
    main()
