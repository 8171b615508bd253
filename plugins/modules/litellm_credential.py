#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_credential
short_description: Manage credentials of LiteLLM
version_added: 1.0.0
description:
  - Manages named credentials of providers, which models refer to.
  - LiteLLM encrypts the values with its salt key, and shows no more of a secret than its ends. A salted hash
    (scrypt) of the values is kept with the credential, so that the same values are no change. One that was made
    without this module is changed once.
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
  credential_name:
    description:
      - Name of the credential.
    type: str
    required: true
  credential_values:
    description:
      - What LiteLLM gives to the provider's client, such as C(api_key) and C(api_base). All of it is managed, and
        none of it is ever shown. Needed to make one.
    type: dict
  credential_info:
    description:
      - Anything worth knowing about it, such as C(custom_llm_provider). Only the stated names are managed, and
        LiteLLM cannot take one away again.
    type: dict
seealso:
  - module: hx.gateway.litellm_credential_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have the key of a provider
  hx.gateway.litellm_credential:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    credential_name: openai
    credential_values:
      api_key: "{{ openai_api_key }}"
    credential_info:
      custom_llm_provider: openai

- name: Remove the credential
  hx.gateway.litellm_credential:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    credential_name: openai
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
credential:
  description:
    - The credential as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    credential_name: openai
    credential_info:
      custom_llm_provider: openai
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.credential import Credential
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(Credential())


if __name__ == "__main__":
    main()
