#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_request_info
short_description: Tell what LiteLLM's spend log says of one request
version_added: 1.0.0
description:
  - Looks for one request in LiteLLM's spend log, which is written in batches some seconds after the requests.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  request_id:
    description:
      - Id of the request, which the answer to a chat has as its C(id).
    type: str
    required: true
  wait_timeout:
    description:
      - Seconds to look for it again when the log does not have it yet.
    type: float
    default: 0
seealso:
  - module: hx.gateway.gateway_request_info
  - module: hx.gateway.litellm_usage_info
"""

EXAMPLES = r"""
- name: Wait until a chat is in the log
  hx.gateway.litellm_request_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    request_id: chatcmpl-8f14e45f
    wait_timeout: "{{ patience }}"
  register: logged

- name: Show what it has cost
  ansible.builtin.debug:
    msg: "{{ logged.request.spend if logged.found else 'not in the log' }}"
"""

RETURN = r"""
found:
  description: Whether the log has the request.
  returned: success
  type: bool
  sample: true
request:
  description: What the log says of it. Empty when it does not have it.
  returned: success
  type: dict
  contains:
    request_id:
      description: Id of the request.
      type: str
    model:
      description: The model that was asked.
      type: str
    key_token:
      description: Hash of the key.
      type: str
    team_id:
      description: Team of the key.
      type: str
    user:
      description: User of the key.
      type: str
    prompt_tokens:
      description: Tokens of what was asked.
      type: int
    completion_tokens:
      description: Tokens of what was answered.
      type: int
    total_tokens:
      description: Both.
      type: int
    spend:
      description: US dollars.
      type: float
    start_time:
      description: When it came.
      type: str
    end_time:
      description: When it was answered.
      type: str
    status:
      description: V(success) or V(failure).
      type: str
  sample:
    request_id: chatcmpl-8f14e45f
    model: gpt-4o-mini
    key_token: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
    team_id: null
    user: ada
    prompt_tokens: 9
    completion_tokens: 12
    total_tokens: 21
    spend: 0.0000085
    start_time: "2026-11-26T15:29:46.942000Z"
    end_time: "2026-11-26T15:29:47.014000Z"
    status: success
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, ApiError, listed
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import ApiModule
from ansible_collections.hx.gateway.plugins.module_utils._wait import Waiter, WaitError

# What the log calls each of the things that are returned.
_NAMES = {
    "request_id": "request_id",
    "model": "model",
    "key_token": "api_key",
    "team_id": "team_id",
    "user": "user",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "total_tokens": "total_tokens",
    "spend": "spend",
    "start_time": "startTime",
    "end_time": "endTime",
    "status": "status",
}


def look(api: Api, request_id: str) -> dict[str, t.Any]:
    """Look once; empty when the log does not have the request."""
    entries = [entry for entry in listed(api.get("/spend/logs", {"request_id": request_id})) if isinstance(entry, dict)]
    found = next((entry for entry in entries if entry.get("request_id") == request_id), None)
    return {name: found.get(place) for name, place in _NAMES.items()} if found else {}


def main() -> t.NoReturn:
    """Run the module."""
    module = ApiModule(
        {"request_id": {"type": "str", "required": True}, "wait_timeout": {"type": "float", "default": 0}}
    )
    timeout = module.params["wait_timeout"]
    try:
        waiter = Waiter(wait=timeout > 0, timeout=timeout, poll_interval=1)
        request = waiter.run(lambda _remaining: look(module.api, module.params["request_id"]), bool)
    except WaitError:
        module.fail_json(msg="wait_timeout must not be negative")
    except ApiError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, found=bool(request), request=request)


if __name__ == "__main__":
    main()
