#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_fallback_info
short_description: Tell which fallbacks LiteLLM has
version_added: 1.0.0
description:
  - Returns the fallbacks of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  model:
    description:
      - Only fallbacks of this model.
    type: str
  fallback_type:
    description:
      - Only fallbacks of this kind.
    type: str
seealso:
  - module: hx.gateway.litellm_fallback
"""

EXAMPLES = r"""
- name: Read all fallbacks
  hx.gateway.litellm_fallback_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show which models have some
  ansible.builtin.debug:
    msg: "{{ found.fallbacks | map(attribute='model') | list }}"
"""

RETURN = r"""
fallbacks:
  description: The fallbacks, sorted by model.
  returned: success
  type: list
  elements: dict
  sample:
    - model: openai-chat
      fallback_type: general
      fallback_models:
      - ollama-chat
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.fallback import Fallback
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Fallback(), {"fallback_type": {"type": "str"}})


if __name__ == "__main__":
    main()
