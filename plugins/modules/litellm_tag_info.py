#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_tag_info
short_description: Tell which tags LiteLLM has
version_added: 1.0.0
description:
  - Returns the tags of LiteLLM that were made. Those that only requests have named are not among them.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  name:
    description:
      - Only the tag of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_tag
"""

EXAMPLES = r"""
- name: Read all tags
  hx.gateway.litellm_tag_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ found.tags | map(attribute='name') | list }}"
"""

RETURN = r"""
tags:
  description: The tags, sorted by name.
  returned: success
  type: list
  elements: dict
  sample:
    - name: nightly-batch
      description: What runs while nobody waits
      models: []
      max_budget: 50.0
      soft_budget: null
      budget_duration: 7d
      max_parallel_requests: null
      rpm_limit: null
      tpm_limit: null
      budget_id: 5b7e8f8e-53a5-4a54-a9c0-3c1e8b7d8d21
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.tag import Tag
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Tag())


if __name__ == "__main__":
    main()
