#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_model
short_description: Manage models of LiteLLM
version_added: 1.0.0
description:
  - Manages models of LiteLLM that are kept in its database. LiteLLM needs C(store_model_in_db) for that, which the
    role sets.
  - A model that comes from C(config.yaml) is recognised and never touched; the module fails when a task means it.
  - LiteLLM merges what it is told into what it has. A value can be changed, but most cannot be taken away again.
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
  model_name:
    description:
      - Name under which clients ask for the model. Several models may share one, and LiteLLM balances among them.
    type: str
    required: true
  model_id:
    description:
      - Id of the model. Without it, one is made from the name. It tells which is meant where several share a name.
    type: str
  model:
    description:
      - What LiteLLM calls, a provider and its model, such as V(openai/gpt-4o-mini). Needed to make one.
    type: str
  credential:
    description:
      - Name of the credential with the provider's key, see M(hx.gateway.litellm_credential).
    type: str
  api_base:
    description:
      - Base URL of the provider.
    type: str
  api_version:
    description:
      - Version of the provider's API.
    type: str
  rpm:
    description:
      - Requests a minute the provider allows, for LiteLLM's balancing.
    type: int
  tpm:
    description:
      - Tokens a minute the provider allows, for LiteLLM's balancing.
    type: int
  request_timeout:
    description:
      - Seconds a call may take.
    type: float
  max_retries:
    description:
      - How often the provider's client tries again.
    type: int
  mode:
    description:
      - What the model does, such as V(chat) or V(embedding).
    type: str
  base_model:
    description:
      - Name in LiteLLM's list of prices, where it is not to be found by O(model).
    type: str
  access_groups:
    description:
      - Groups of models it belongs to, which keys and teams can name instead of models.
    type: list
    elements: str
  litellm_params:
    description:
      - Other parameters of the model, as LiteLLM names them. Only the stated ones are managed.
      - Secrets are refused, since LiteLLM never tells them again; put them into a credential.
    type: dict
  model_info:
    description:
      - Other information about the model. Only the stated names are managed.
    type: dict
seealso:
  - module: hx.gateway.litellm_model_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a credential
  hx.gateway.litellm_credential:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    credential_name: openai
    credential_values:
      api_key: "{{ openai_api_key }}"

- name: Have a model that uses it
  hx.gateway.litellm_model:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    model_name: gpt-small
    model: openai/gpt-4o-mini
    credential: openai
    rpm: 500
    access_groups: [cheap]

- name: Balance between two servers under one name
  hx.gateway.litellm_model:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    model_name: local-chat
    model_id: "local-chat-{{ item }}"
    model: ollama_chat/llama3.2
    api_base: "http://{{ item }}:11434"
  loop: [192.0.2.20, 192.0.2.21]

- name: Remove the two again
  hx.gateway.litellm_model:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    model_name: local-chat
    model_id: "local-chat-{{ item }}"
    state: absent
  loop: [192.0.2.20, 192.0.2.21]

- name: Remove the model
  hx.gateway.litellm_model:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    model_name: gpt-small
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
model:
  description:
    - The model as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    model_name: gpt-small
    model_id: 0d3c6f0a-2f0e-5c9b-8a43-9e6a1d6a3c11
    model: openai/gpt-4o-mini
    credential: openai
    api_base: null
    api_version: null
    rpm: 500
    tpm: null
    request_timeout: null
    max_retries: null
    mode: chat
    base_model: null
    access_groups:
    - cheap
    litellm_params: {}
    model_info: {}
    in_database: true
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.model import Model
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Model())


if __name__ == "__main__":
    main()
