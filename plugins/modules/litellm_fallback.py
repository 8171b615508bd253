#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_fallback
short_description: Manage fallbacks of LiteLLM
version_added: 1.0.0
description:
  - Manages which models LiteLLM asks when one fails.
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
  model:
    description:
      - Name of the model that may fail.
    type: str
    required: true
  fallback_type:
    description:
      - On what kind of failure. V(general) when it is not stated; a model may have fallbacks of each kind.
    type: str
    choices: [general, context_window, content_policy]
  fallback_models:
    description:
      - Models that are asked instead, in this order. Needed to make one.
    type: list
    elements: str
seealso:
  - module: hx.gateway.litellm_fallback_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Ask another provider when the first fails
  hx.gateway.litellm_fallback:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    model: openai-chat
    fallback_models: [ollama-chat]

- name: Do so no more
  hx.gateway.litellm_fallback:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    model: openai-chat
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
fallback:
  description:
    - The fallback as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    model: openai-chat
    fallback_type: general
    fallback_models:
    - ollama-chat
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.fallback import Fallback
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Fallback())


if __name__ == "__main__":
    main()
