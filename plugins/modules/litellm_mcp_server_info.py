#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_mcp_server_info
short_description: Tell which servers of tools LiteLLM has
version_added: 1.0.0
description:
  - Returns the servers of tools of LiteLLM.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  server_name:
    description:
      - Only the server of this name.
    type: str
seealso:
  - module: hx.gateway.litellm_mcp_server
"""

EXAMPLES = r"""
- name: Read all servers of tools
  hx.gateway.litellm_mcp_server_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
  register: found

- name: Show where they are
  ansible.builtin.debug:
    msg: "{{ dict(found.mcp_servers | map(attribute='server_name') | zip(found.mcp_servers | map(attribute='server_url'))) }}"
"""

RETURN = r"""
mcp_servers:
  description: The servers of tools, sorted by server_name.
  returned: success
  type: list
  elements: dict
  sample:
    - server_name: tickets
      server_id: 5f2a9f1e-6b0d-5a55-8c6e-3d2c1b0a9f11
      description: Reads and writes tickets
      transport: http
      server_url: http://192.0.2.30:8080/mcp
      command: null
      args: []
      access_groups: []
      allowed_tools:
      - read_ticket
      allow_all_keys: false
      request_timeout: null
      max_concurrent_requests: null
      rpm: null
      mcp_info: {}
      status: unknown
      created_at: '2026-11-01T09:30:00Z'
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.mcp_server import McpServer
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_info


def main() -> t.NoReturn:
    """Run the module."""
    run_info(McpServer())


if __name__ == "__main__":
    main()
