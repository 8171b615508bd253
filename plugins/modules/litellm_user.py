#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_user
short_description: Manage users of LiteLLM
version_added: 1.0.0
description:
  - Manages internal users of LiteLLM, to whom keys and spend can belong.
  - No key is made and no mail is sent for a user that is made.
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
  user_id:
    description:
      - Id of the user.
    type: str
    required: true
  user_email:
    description:
      - Mail address of the user. LiteLLM keeps it in small letters.
    type: str
  user_alias:
    description:
      - Name of the user.
    type: str
  user_role:
    description:
      - What the user may do in LiteLLM.
    type: str
    choices: [proxy_admin, proxy_admin_viewer, internal_user, internal_user_viewer]
  models:
    description:
      - Models the user may use. An empty list means all; LiteLLM cannot go back to it once there are some.
    type: list
    elements: str
  max_budget:
    description:
      - US dollars that may be spent in one O(budget_duration). V(null) for no limit.
    type: float
  budget_duration:
    description:
      - After which time the spend counts from zero again, such as V(30d), V(12h) or V(1mo). V(null) for never.
    type: str
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
      - Anything worth keeping with the user. The whole of it is managed; what LiteLLM and this collection keep
        there themselves is left alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_user_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a user who may see and not change
  hx.gateway.litellm_user:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    user_id: ada
    user_email: ada@example.com
    user_role: internal_user_viewer
    max_budget: 20
    budget_duration: 30d

- name: Remove the user, and the user's keys
  hx.gateway.litellm_user:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    user_id: ada
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
user:
  description:
    - The user as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    user_id: ada
    user_email: ada@example.com
    user_alias: null
    user_role: internal_user_viewer
    models: []
    max_budget: 20.0
    budget_duration: 30d
    rpm_limit: null
    tpm_limit: null
    metadata: {}
    teams: []
    spend: 0.0
    budget_reset_at: '2026-12-01T00:00:00Z'
    created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.user import User
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(User())


if __name__ == "__main__":
    main()
