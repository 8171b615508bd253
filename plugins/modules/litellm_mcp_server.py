#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_mcp_server
short_description: Manage servers of tools of LiteLLM
version_added: 1.0.0
description:
  - Manages servers of tools (MCP) that LiteLLM's clients can use through it. One that comes from C(config.yaml) is
    recognised and never touched.
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
  server_name:
    description:
      - Name of the server, of letters, digits and underscores. LiteLLM puts it before the names of the tools.
    type: str
    required: true
  server_id:
    description:
      - Id of the server when it is made. Without it, one is made from the name. It cannot be changed later.
    type: str
  description:
    description:
      - What the server is for.
    type: str
  transport:
    description:
      - How LiteLLM speaks with it. Needed to make one.
    type: str
    choices: [http, sse, stdio]
  server_url:
    description:
      - Where it is, for V(http) and V(sse).
    type: str
  command:
    description:
      - What starts it, for V(stdio). LiteLLM allows only certain programs.
    type: str
  args:
    description:
      - Arguments of O(command).
    type: list
    elements: str
  access_groups:
    description:
      - Groups it belongs to, which keys and teams can name.
    type: list
    elements: str
  allowed_tools:
    description:
      - Tools that may be used. An empty list means all.
    type: list
    elements: str
  allow_all_keys:
    description:
      - Whether every key may use it.
    type: bool
  request_timeout:
    description:
      - Seconds a call may take.
    type: float
  max_concurrent_requests:
    description:
      - How many calls may be under way at once.
    type: int
  rpm:
    description:
      - Calls a minute.
    type: int
  mcp_info:
    description:
      - Anything worth knowing about it. The whole of it is managed; what LiteLLM and this collection keep there
        themselves is left alone.
    type: dict
seealso:
  - module: hx.gateway.litellm_mcp_server_info
  - module: hx.gateway.litellm_resources
"""

EXAMPLES = r"""
- name: Have a server of tools
  hx.gateway.litellm_mcp_server:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    server_name: tickets
    description: Reads and writes tickets
    transport: http
    server_url: http://192.0.2.30:8080/mcp
    allowed_tools: [read_ticket]

- name: Remove the server
  hx.gateway.litellm_mcp_server:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    server_name: tickets
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode. One of V(created), V(updated), V(deleted) and V(unchanged).
  returned: success
  type: str
  sample: created
mcp_server:
  description:
    - The server as LiteLLM has it. In check mode, of one that would be made, only what was stated. Empty when it is absent.
  returned: success
  type: dict
  sample:
    server_name: tickets
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import run_resource


def main() -> t.NoReturn:
    """Run the module."""
    run_resource(McpServer())


if __name__ == "__main__":
    main()
