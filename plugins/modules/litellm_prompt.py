#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_prompt
short_description: Manage prompts of LiteLLM
version_added: 1.0.0
description:
  - Manages prompts of LiteLLM that are kept in its database, in the form C(dotprompt). One that comes from
    C(config.yaml) is recognised and never touched.
  - A change makes a further version; LiteLLM keeps the earlier ones.
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
  prompt_id:
    description:
      - Name of the prompt, which requests refer to. It must hold no slash, and neither C(.v) nor C(_v), behind
        which LiteLLM sees a version.
    type: str
    required: true
  content:
    description:
      - The prompt, with what C(dotprompt) puts before it. Needed to make one.
    type: str
seealso:
  - module: hx.gateway.litellm_prompt_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a prompt
  hx.gateway.litellm_prompt:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    prompt_id: greeting
    content: |
      ---
      model: ollama-chat
      ---
      User: Greet {% raw %}{{name}}{% endraw %} in one sentence.

- name: Remove the prompt, with all of its versions
  hx.gateway.litellm_prompt:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    prompt_id: greeting
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
prompt:
  description:
    - The prompt as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    prompt_id: greeting
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Prompt())


if __name__ == "__main__":
    main()
