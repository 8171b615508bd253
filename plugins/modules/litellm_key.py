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
  - The value of a key is given by the task, or made up when the key is made, and then returned that once or kept in
    O(key_file). LiteLLM keeps its hash only.
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
  key_file:
    description:
      - File on the host the module runs on that holds the value of a key that is made up, readable by its owner alone (0600).
      - It is written before LiteLLM hears of the key, so that a run that ends in between has lost nothing.
      - When the key exists and the file does not hold its value, the module fails; the value cannot be told again.
    type: path
  key_file_owner:
    description:
      - Owner of O(key_file).
    type: str
  key_file_group:
    description:
      - Group of O(key_file).
    type: str
  regenerate:
    description:
      - Give a key that exists another value, made up or O(key). This is done each time it is stated.
      - It needs LiteLLM Enterprise.
    type: bool
    default: false
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
    key_file: "{{ scratch }}/trial.key"

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
  returned: when a key was made or regenerated, and neither O(key) nor O(key_file) is given
  type: str
  sample: sk-4f6bmQ1oT2cVtV1yQ0pJ8Xo1cC3kq9aZ
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.key_file import KeyFiles
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.key import KEY
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import (
    ApiModule,
    apply,
    leave,
    resource_argument_spec,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.reconcile import Outcome, Reconciler


def regenerate(module: ApiModule, outcome: Outcome, files: KeyFiles) -> None:
    """Give a key that was there before another value."""
    if outcome.entry is None or outcome.action == "created":
        return
    outcome.action = "updated"
    if module.check_mode:
        return
    given = module.params["key"]
    key = given or KEY.generate({})["key"]
    try:
        KEY.regenerate(module.api, outcome.entry, key)
    except ApiError as error:
        module.fail_json(msg=str(error))
    outcome.generated = {} if given else {"key": key}
    if module.params["key_file"]:
        files.write(module.params["key_file"], key)
        outcome.kept = True


def main() -> t.NoReturn:
    """Run the module."""
    module = ApiModule({**resource_argument_spec(KEY), "regenerate": {"type": "bool", "default": False}})
    files = KeyFiles(module)
    # A key that gets another value need not have the one in its file, or in its task.
    again = module.params["regenerate"]
    verify = None if again else files.verify
    if again:
        module.stated -= {"key"}
    outcome = apply(
        module, Reconciler(Catalog(module.api), check_mode=module.check_mode, keep=files.keep, verify=verify), KEY
    )
    if again:
        regenerate(module, outcome, files)
    leave(module, outcome, changed=files.changed)


if __name__ == "__main__":
    main()
