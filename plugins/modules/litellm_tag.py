#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_tag
short_description: Manage tags of LiteLLM
version_added: 1.0.0
description:
  - Manages tags of LiteLLM. Requests that carry a tag count against its budget, and can be confined to its models.
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
  name:
    description:
      - Name of the tag.
    type: str
    required: true
  description:
    description:
      - What the tag is for.
    type: str
  models:
    description:
      - Ids of the models that requests with the tag may use. An empty list means all.
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
seealso:
  - module: hx.gateway.litellm_tag_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a tag with a budget
  hx.gateway.litellm_tag:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    name: nightly-batch
    description: What runs while nobody waits
    max_budget: 50
    budget_duration: 7d

- name: Remove the tag
  hx.gateway.litellm_tag:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    name: nightly-batch
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
tag:
  description:
    - The tag as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    name: nightly-batch
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Tag())


if __name__ == "__main__":
    main()
