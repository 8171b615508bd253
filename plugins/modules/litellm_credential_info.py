#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_credential_info
short_description: Tell which credentials LiteLLM has
version_added: 1.0.0
description:
  - Returns the credentials of LiteLLM, whose values LiteLLM masks.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  credential_name:
    description:
      - Only the credential of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_credential
"""

EXAMPLES = r"""
- name: Read all credentials
  hx.gateway.litellm_credential_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ found.credentials | map(attribute='credential_name') | list }}"
"""

RETURN = r"""
credentials:
  description: The credentials, sorted by credential_name.
  returned: success
  type: list
  elements: dict
  sample:
    - credential_name: openai
      credential_info:
        custom_llm_provider: openai
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.credential import Credential
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(Credential())


if __name__ == "__main__":
    main()
