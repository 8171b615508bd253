#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_usage_info
short_description: Tell what was used and spent over a range of days
version_added: 1.0.0
description:
  - Returns requests, tokens and spend of LiteLLM over a range of days, by key, team, user, model, tag or day.
  - LiteLLM writes its daily figures a minute or two after the requests.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  start_date:
    description:
      - First day (UTC), such as V(2026-01-01).
    type: str
    required: true
  end_date:
    description:
      - Last day (UTC), which belongs to the range.
    type: str
    required: true
  by:
    description:
      - What the figures are told by.
      - A request with several tags counts for each of them, so figures by V(tag) must not be added up. LiteLLM counts the
        program that asks, its C(User-Agent), as a tag too.
    type: str
    choices: [day, user, team, tag, key, model]
    default: day
  daily:
    description:
      - Whether there are figures for each day and not only for the whole range.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Read what each key has used this year
  hx.gateway.litellm_usage_info:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    start_date: "{{ now(utc=true).strftime('%Y-01-01') }}"
    end_date: "{{ now(utc=true).strftime('%Y-%m-%d') }}"
    by: key
  register: used

- name: Show the three that cost most
  ansible.builtin.debug:
    msg: "{{ used.usage | sort(attribute='spend', reverse=true) | map(attribute='alias') | list | first | default('none') }}"
"""

RETURN = r"""
usage:
  description: Figures, sorted by day and by what they are told by.
  returned: success
  type: list
  elements: dict
  contains:
    date:
      description: The day, where figures are by day.
      type: str
    id:
      description: The user's or team's id, the tag, the hash of the key, or the model as its provider calls it. Empty for none.
      type: str
    alias:
      description: Alias of the key or the team.
      type: str
    spend:
      description: US dollars.
      type: float
    prompt_tokens:
      description: Tokens of what was asked.
      type: int
    completion_tokens:
      description: Tokens of what was answered.
      type: int
    api_requests:
      description: Requests.
      type: int
    successful_requests:
      description: Those that were answered.
      type: int
    failed_requests:
      description: Those that were not.
      type: int
  sample:
    - id: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
      alias: shop
      spend: 1.25
      prompt_tokens: 90210
      completion_tokens: 41822
      api_requests: 512
      successful_requests: 509
      failed_requests: 3
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import ApiModule
from ansible_collections.hx.gateway.plugins.module_utils._litellm.usage import GROUPS, UsageError, days, rows, summary


def main() -> t.NoReturn:
    """Run the module."""
    module = ApiModule(
        {
            "start_date": {"type": "str", "required": True},
            "end_date": {"type": "str", "required": True},
            "by": {"type": "str", "choices": list(GROUPS), "default": "day"},
            "daily": {"type": "bool", "default": False},
        }
    )
    params = module.params
    try:
        start, end = days(params["start_date"], params["end_date"])
        found = rows(module.api, params["by"], start, end)
    except (ApiError, UsageError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, usage=summary(found, params["by"], daily=params["daily"]))


if __name__ == "__main__":
    main()
