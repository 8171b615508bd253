#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_vector_store_info
short_description: Tell which vector stores LiteLLM has
version_added: 1.0.0
description:
  - Returns the vector stores of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  vector_store_id:
    description:
      - Only the store of this id.
    type: str
seealso:
  - module: hx.gateway.litellm_vector_store
"""

EXAMPLES = r"""
- name: Read all vector stores
  hx.gateway.litellm_vector_store_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show their providers
  ansible.builtin.debug:
    msg: "{{ dict(found.vector_stores | map(attribute='vector_store_id') | zip(found.vector_stores | map(attribute='provider'))) }}"
"""

RETURN = r"""
vector_stores:
  description: The vector stores, sorted by vector_store_id.
  returned: success
  type: list
  elements: dict
  sample:
    - vector_store_id: vs_handbook
      provider: openai
      vector_store_name: Handbook
      description: What new colleagues ask
      credential: null
      vector_store_metadata: {}
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.vector_store import VectorStore
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(VectorStore())


if __name__ == "__main__":
    main()
