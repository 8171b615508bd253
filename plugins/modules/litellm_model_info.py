#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_model_info
short_description: Tell which models LiteLLM has
version_added: 1.0.0
description:
  - Returns the models of LiteLLM, those of C(config.yaml) included.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  model_name:
    description:
      - Only models of this name.
    type: str
  model_id:
    description:
      - Only the model of this id.
    type: str
  mode:
    description:
      - Only models that do this, such as V(embedding).
    type: str
seealso:
  - module: hx.gateway.litellm_model
"""

EXAMPLES = r"""
- name: Read all models
  hx.gateway.litellm_model_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show which are kept in the database
  ansible.builtin.debug:
    msg: "{{ found.models | selectattr('in_database') | map(attribute='model_name') | list }}"
"""

RETURN = r"""
models:
  description: The models, sorted by model_name.
  returned: success
  type: list
  elements: dict
  sample:
    - model_name: gpt-small
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Model(), {"model_id": {"type": "str"}, "mode": {"type": "str"}})


if __name__ == "__main__":
    main()
