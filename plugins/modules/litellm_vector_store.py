#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_vector_store
short_description: Manage vector stores of LiteLLM
version_added: 1.0.0
description:
  - Manages which vector stores of providers LiteLLM knows and offers. The stores themselves are the provider's.
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
  vector_store_id:
    description:
      - Id of the store at its provider.
    type: str
    required: true
  provider:
    description:
      - The provider, as LiteLLM calls it, such as V(openai), V(bedrock) or V(pg_vector). Needed to make one.
    type: str
  vector_store_name:
    description:
      - Name that people read.
    type: str
  description:
    description:
      - What is in it.
    type: str
  credential:
    description:
      - Name of the credential with the provider's key, see M(hx.gateway.litellm_credential). It cannot be changed
        later.
    type: str
  vector_store_metadata:
    description:
      - Anything worth knowing about it. The whole of it is managed; what this collection keeps there itself is left
        alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_vector_store_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Offer a vector store
  hx.gateway.litellm_vector_store:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    vector_store_id: vs_handbook
    provider: openai
    vector_store_name: Handbook
    description: What new colleagues ask

- name: Offer it no more
  hx.gateway.litellm_vector_store:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    vector_store_id: vs_handbook
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
vector_store:
  description:
    - The vector store as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    vector_store_id: vs_handbook
    provider: openai
    vector_store_name: Handbook
    description: What new colleagues ask
    credential: null
    vector_store_metadata: {}
    created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.vector_store import VectorStore
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(VectorStore())


if __name__ == "__main__":
    main()
