#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_key
short_description: Manage keys of LiteLLM
version_added: 1.0.0
description:
  - Manages virtual keys of LiteLLM by their alias.
  - The value of a key is given by the task, or made up when the key is made and returned that once; LiteLLM keeps
    its hash only.
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
  key_alias:
    description:
      - Name of the key. It is the only one of that name.
    type: str
    required: true
  key:
    description:
      - Value of the key, which begins with V(sk-) and comes from a vault. Without it, one is made up. LiteLLM
        cannot change it later.
    type: str
  models:
    description:
      - Models and groups of models the key may use. An empty list means all. A model that LiteLLM does not have is
        refused.
    type: list
    elements: str
  team:
    description:
      - Name of the team the key belongs to. V(null) for none.
    type: str
  user_id:
    description:
      - User the key belongs to. LiteLLM cannot take it away once it is set.
    type: str
  budget_id:
    description:
      - Budget the key shares with others, see M(hx.gateway.litellm_budget).
    type: str
  max_budget:
    description:
      - US dollars the key may spend in one O(budget_duration). V(null) for no limit.
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
  tpd_limit:
    description:
      - Tokens a day that batches may use.
    type: int
  max_parallel_requests:
    description:
      - How many requests may be under way at once.
    type: int
  model_rpm_limit:
    description:
      - Requests a minute of single models, by the model's name.
    type: dict
  model_tpm_limit:
    description:
      - Tokens a minute of single models, by the model's name.
    type: dict
  duration:
    description:
      - How long the key works from when it is made, or from when this changes, such as V(90d). V(null) for ever.
    type: str
  allowed_routes:
    description:
      - Paths of LiteLLM the key may use. An empty list means all a key may use.
    type: list
    elements: str
  aliases:
    description:
      - Names of models as the key's user writes them, and the models that are meant.
    type: dict
  blocked:
    description:
      - Whether the key is refused for now.
    type: bool
  metadata:
    description:
      - Anything worth keeping with the key. The whole of it is managed; what LiteLLM and this collection keep there
        themselves is left alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_key_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a key of which the value comes from the vault
  hx.gateway.litellm_key:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    key_alias: shop
    key: "{{ shop_key }}"
    models: [ollama-chat, ollama-embedding]
    max_budget: 50
    budget_duration: 30d
    rpm_limit: 120

- name: Have a key that is made up
  hx.gateway.litellm_key:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    key_alias: trial
    duration: 14d
    models: [ollama-chat]
  register: trial
  no_log: true

- name: Put it where its user finds it
  ansible.builtin.copy:
    content: "{{ trial.key }}"
    dest: "{{ scratch }}/trial.key"
    mode: "0600"
  when: trial.key is defined
  no_log: true

- name: Refuse it for now
  hx.gateway.litellm_key:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    key_alias: trial
    blocked: true

- name: Remove both
  hx.gateway.litellm_key:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    key_alias: "{{ item }}"
    state: absent
  loop: [shop, trial]
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
virtual_key:
  description:
    - The key as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    key_alias: shop
    models:
    - ollama-chat
    - ollama-embedding
    user_id: null
    budget_id: null
    max_budget: 50.0
    budget_duration: 30d
    rpm_limit: 120
    tpm_limit: null
    tpd_limit: null
    max_parallel_requests: null
    model_rpm_limit: {}
    model_tpm_limit: {}
    duration: null
    allowed_routes: []
    aliases: {}
    blocked: false
    metadata: {}
    token: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
    key_name: sk-...f3Qw
    team_id: null
    spend: 1.25
    expires: null
    budget_reset_at: '2026-12-01T00:00:00Z'
    created_at: '2026-11-01T09:30:00Z'
key:
  description: Value of a key that was made up. It is not told again.
  returned: when a key was made and O(key) not given
  type: str
  sample: sk-4f6bmQ1oT2cVtV1yQ0pJ8Xo1cC3kq9aZ
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.key import Key
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Key())


if __name__ == "__main__":
    main()
