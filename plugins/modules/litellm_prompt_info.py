#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_prompt_info
short_description: Tell which prompts LiteLLM has
version_added: 1.0.0
description:
  - Returns the prompts of LiteLLM, in their present version.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  prompt_id:
    description:
      - Only the prompt of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_prompt
"""

EXAMPLES = r"""
- name: Read all prompts
  hx.gateway.litellm_prompt_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ found.prompts | map(attribute='prompt_id') | list }}"
"""

RETURN = r"""
prompts:
  description: The prompts, sorted by prompt_id.
  returned: success
  type: list
  elements: dict
  sample:
    - prompt_id: greeting
      content: '---

        model: ollama-chat

        ---

        User: Greet them in one sentence.

        '
      environment: development
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.prompt import Prompt
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Prompt())


if __name__ == "__main__":
    main()
